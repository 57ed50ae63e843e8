"""scikit-learn's built-in data sets."""
