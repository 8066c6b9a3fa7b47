"""The page on which an album is looked through: questions, names and corrections (``pyface review``)."""
