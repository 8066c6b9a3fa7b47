"""The tests of scikit-learn and SciPy, run on pyface. See ``__main__.py``."""
