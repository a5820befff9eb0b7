"""The version of pyratify, which the package's metadata takes from here: reading metadata costs more than the rest of a start."""

VERSION = "2.0.0a1"
