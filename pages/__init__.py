"""The dashboard: one file per page, read top to bottom; `main.py` owns the navigation."""
