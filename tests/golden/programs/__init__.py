"""The apps whose spans are captured. They run in environments of their own; `capture.py` starts them."""
