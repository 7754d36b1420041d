"""The environment the peers live in, made on demand: never the project's own.

``kalshi-sdk`` and ``nautilus_trader`` need Python 3.12; on 3.11 only pykalshi is raced. Our code runs from
``src`` in the same interpreter, with the project's version of msgspec.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".bench-peers"
ANY_PYTHON = ("pykalshi==2.0.0",)
PYTHON_312 = ("kalshi-sdk==22.4.0", "nautilus_trader==1.231.0")


def peers_python() -> Path:
    """The interpreter that has the peers; installs them when they are missing (a minute, once)."""
    base, recent = _newest()
    wanted = [*ANY_PYTHON, *(PYTHON_312 if recent else ()), f"msgspec=={version('msgspec')}"]
    python = FOLDER / "bin/python"
    stamp = FOLDER / "installed"
    mark = "\n".join([base, *wanted])
    if not stamp.is_file() or stamp.read_text() != mark:
        print(f"setting up {FOLDER.name} with {', '.join(wanted)}", file=sys.stderr, flush=True)
        shutil.rmtree(FOLDER, ignore_errors=True)
        subprocess.run([base, "-m", "venv", str(FOLDER)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
        subprocess.run(pip, check=True, stderr=subprocess.DEVNULL)
        stamp.write_text(mark)
    return python


def _newest() -> tuple[str, bool]:
    """(an interpreter, whether it is 3.12 or newer), the newest first."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = ["python3.13", "python3.12"]
    candidates += [
        str(found / "bin/python") for minor in ("3.13", "3.12") for found in pyenv.glob(f"{minor}.*")
    ]
    for name in candidates:
        path = shutil.which(name)
        # A version manager's stand-in is on the path without an interpreter behind it: ask it.
        if path is not None and _runs(path):
            return path, True
    return sys.executable, sys.version_info >= (3, 12)


def _runs(path: str) -> bool:
    tried = subprocess.run([path, "-c", ""], capture_output=True, check=False)
    return tried.returncode == 0
