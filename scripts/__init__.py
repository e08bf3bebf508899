"""What keeps an installation and a repository in order. Stands alone: it must work when `edge` is broken.

check   the developer's gate: format, lint, types, import contracts, tests
"""
