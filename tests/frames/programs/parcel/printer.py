"""Remembers what it was told when the program began."""
from checkpoint import checkpoint

remembered = []
said = 0


def remember(pid):
    remembered.append(pid)
    checkpoint()


def announce(text):
    global said
    checkpoint()
    said += 1
    print(text, len(remembered))
