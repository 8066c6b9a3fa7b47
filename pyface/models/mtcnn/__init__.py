"""MTCNN's last network, from the weights of the package ``mtcnn``."""
