"""What the maintainers of luthier use: generated files, checks of built wheels."""
