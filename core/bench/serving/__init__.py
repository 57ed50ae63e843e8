"""Trial of a service: started confined, asked with the golden inputs, given wrong requests, and loaded."""
