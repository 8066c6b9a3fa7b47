"""Albums for other programs: folders of people, tables, XMP sidecars with names and regions of faces, galleries."""
