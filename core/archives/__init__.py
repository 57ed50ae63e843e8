"""Safe reading of archives and pickles, before any library opens them. Nothing here runs what a file says."""
