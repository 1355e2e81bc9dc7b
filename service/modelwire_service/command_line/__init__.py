"""The `modelwire` command."""
