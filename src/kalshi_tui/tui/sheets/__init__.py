"""What opens over the screen: help, contract card, pickers, questions."""
