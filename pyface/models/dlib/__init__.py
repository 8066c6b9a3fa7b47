"""The default models: dlib's published weights, run without dlib."""
