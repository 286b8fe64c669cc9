"""Drop-ins for other packages: import them from here instead."""
