"""One file a pane: what it shows, as lines of inked text."""
