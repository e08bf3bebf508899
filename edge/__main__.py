"""`python -m edge`: the same as `skyspotter`, for units and the supervisor, which name the interpreter."""

from edge.cli import main

main()
