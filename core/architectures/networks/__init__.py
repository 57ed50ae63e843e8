"""Network definitions; these modules import torch and are themselves imported only when one is built."""
