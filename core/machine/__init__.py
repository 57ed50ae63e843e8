"""The machine: its processor, its cores, its memory and its libraries."""
