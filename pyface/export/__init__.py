"""Albums for other programs: folders of people, tables, and XMP sidecars with names and regions of faces."""
