"""dlib's published weights, run without dlib."""
