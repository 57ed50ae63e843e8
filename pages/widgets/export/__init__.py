"""What the Export page is made of."""
