"""MTCNN: its detector, and its last network by itself, from the weights of the package ``mtcnn``."""
