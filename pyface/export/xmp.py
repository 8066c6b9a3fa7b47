"""What an XMP sidecar says of faces: found in it, taken out of it again, and put into it, in place.

Regions are those of the Metadata Working Group; names are also ``Iptc4xmpExt:PersonInImage``, ``digiKam:TagsList``
(``People/NAME``) and ``lr:hierarchicalSubject`` (``People|NAME``). What pyface puts in carries a mark: a region in its
``mwg-rs:Extensions``, and the rest in ``pyface:Added``, one line for each item or property that was not there before.
So it is known again, and taken out before the next export; all else stays to the byte.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyface import __version__
from pyface.export.regions import Area, Region
from pyface.export.xml_text import Document, Edits, Element, XmlError, as_attribute, as_text, parse, xml_characters

NAMESPACES = {
    "x": "adobe:ns:meta/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "stArea": "http://ns.adobe.com/xmp/sType/Area#",
    "stDim": "http://ns.adobe.com/xap/1.0/sType/Dimensions#",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "pyface": "urn:pyface-toolkit:xmp/1.0/",  # Exiv2 puts "/" behind an address that ends otherwise
}
_REGIONS, _ADDED = "mwg-rs:Regions", "pyface:Added"
# Property -> the kind of list it is, what goes before a name, and what separates levels, which a name may not hold.
_LISTS = {
    "Iptc4xmpExt:PersonInImage": ("Bag", "", ""),
    "digiKam:TagsList": ("Seq", "People/", "/"),
    "lr:hierarchicalSubject": ("Bag", "People|", "|"),
}
_CONTAINERS = ("rdf:Bag", "rdf:Seq", "rdf:Alt")
_SAME_FACE = 0.5  # intersection over union
_SAME_SHAPE = 0.01  # share by which two pictures of one shape may differ in width to height

_NEW = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="{x}" x:xmptk="pyface {version}">
 <rdf:RDF xmlns:rdf="{rdf}">
  <rdf:Description rdf:about=""
    xmlns:mwg-rs="{mwg-rs}"
    xmlns:stArea="{stArea}"
    xmlns:stDim="{stDim}"
    xmlns:Iptc4xmpExt="{Iptc4xmpExt}"
    xmlns:digiKam="{digiKam}"
    xmlns:lr="{lr}"
    xmlns:pyface="{pyface}">
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""


@dataclass(frozen=True, slots=True)
class Merged:
    """A sidecar as it should be: its bytes, None if nothing is left that is not pyface's; ``notes`` in words."""

    data: bytes | None
    notes: tuple[str, ...] = ()


def merge(old: bytes | None, regions: Sequence[Region], size: tuple[int, int]) -> Merged:
    """The sidecar ``old``, None if there is none, with these regions and the names in them.

    size : width and height of the stored picture.

    Regions and names that pyface put in before are replaced; those of others stay, and one that is there already is
    not put in again. Where somebody else gave another name to a face, that name stays and ours is not put in, which is
    noted. XmlError if ``old`` is not read, is no XMP, or has regions of a picture of another shape.
    """
    cleaned = _new() if old is None else _without_ours(parse(old))
    document = parse(cleaned)
    wanted, notes = _wanted(document, regions, size)
    if not wanted:
        return Merged(None if _is_bare(document) else cleaned, notes)
    return Merged(document.written(_with(document, wanted, size)), notes)


@dataclass(frozen=True, slots=True)
class FoundRegion:
    """A region in a sidecar: its element, name, type, area if that is normalized, and whether pyface put it in."""

    element: Element
    name: str
    type: str
    area: Area | None
    is_ours: bool


def has_marks(data: bytes) -> bool:
    """Whether pyface may have put something into a sidecar, without reading it as XML."""
    return any(NAMESPACES["pyface"].encode(encoding) in data for encoding in ("utf-8", "utf-16-le", "utf-16-be"))


def found_regions(document: Document) -> list[FoundRegion]:
    """The regions of a sidecar, in its order."""
    return [_found_region(item) for item in _items(_region_container(_property(document, _REGIONS)))]


def applied_to(document: Document) -> tuple[float, float] | None:
    """Width and height of the picture that the regions of a sidecar are of; None where it does not say."""
    regions = _property(document, _REGIONS)
    inner = None if regions is None else _node(regions).child(_name("mwg-rs:AppliedToDimensions"))
    if inner is None:
        return None
    width, height = (_number(_node(inner), f"stDim:{side}") for side in "wh")
    return (width, height) if width and height else None


def listed(document: Document, name: str) -> list[str]:
    """The items of a property that is a list, such as ``digiKam:TagsList``."""
    return [item.text for item in _items(_container(_property(document, name)))]


def _new() -> bytes:
    return _NEW.format(version=__version__, **NAMESPACES).encode("utf-8")


def _is_bare(document: Document) -> bool:
    """Whether a sidecar is as pyface begins a new one, of whatever version."""
    is_ours = document.root.attributes.get(_name("x:xmptk"), "").startswith("pyface ")
    descriptions = list(_descriptions(document))
    return (
        is_ours
        and len(descriptions) == 1
        and not descriptions[0].children
        and set(descriptions[0].attributes) == {_name("rdf:about")}
    )


def _without_ours(document: Document) -> bytes:
    """A sidecar without all that pyface put in, in the encoding of its file."""
    edits = Edits(document)
    added = _property(document, _ADDED)
    marks = [item.text for item in _items(_container(added))]
    for name in (_REGIONS, *_LISTS):
        element = _property(document, name)
        if element is None:
            continue
        items = _items(_region_container(element) if name == _REGIONS else _container(element))
        if name == _REGIONS:
            ours = [item for item in items if _found_region(item).is_ours]
        else:
            texts = [mark.removeprefix(f"{name}=") for mark in marks if mark.startswith(f"{name}=")]
            ours = []
            for item in items:
                if item.text in texts:
                    texts.remove(item.text)
                    ours.append(item)
        if name in marks and len(ours) == len(items):
            edits.remove(element)
        else:
            for item in ours:
                edits.remove(item)
    if added is not None:
        edits.remove(added)
    return document.written(edits.applied())


def _wanted(
    document: Document, regions: Sequence[Region], size: tuple[int, int]
) -> tuple[list[tuple[Region, bool]], tuple[str, ...]]:
    """The regions whose names are to be put in, and whether the region itself is, too."""
    others = [other for other in found_regions(document) if other.area is not None and other.type in ("Face", "")]
    dimensions = applied_to(document)
    if regions and others and dimensions is not None:
        theirs, own = dimensions[0] / dimensions[1], size[0] / size[1]
        if abs(theirs / own - 1) > _SAME_SHAPE:
            raise XmlError(
                f"has regions of a picture of {dimensions[0]:g} x {dimensions[1]:g} pixels, and this one is stored as "
                f"{size[0]} x {size[1]}"
            )
    wanted: list[tuple[Region, bool]] = []
    notes: list[str] = []
    for region in regions:
        near = [o for o in others if o.area is not None and o.area.overlap(region.area) >= _SAME_FACE and o.name]
        if any(_same(other.name, region.name) for other in near) or (near and not region.name):
            wanted.append((region, False))
        elif near:
            notes.append(f"{region.name} is called {near[0].name} by another program, which stays")
        else:
            wanted.append((region, True))
    return wanted, tuple(notes)


def _with(document: Document, wanted: Sequence[tuple[Region, bool]], size: tuple[int, int]) -> bytes:
    description = next(_descriptions(document), None)
    edits = Edits(document)
    marks: list[str] = []
    writer = _Writer(_rdf(document) if description is None else description)
    new: list[list[str]] = []
    drawn = [region for region, is_new in wanted if is_new]
    if drawn:
        present = _property(document, _REGIONS)
        container = _region_container(present)
        if present is not None and container is None:
            raise XmlError("has mwg-rs:Regions without a list of regions")
        if container is None:
            new.append(writer.regions(drawn, size))
            marks.append(_REGIONS)
        else:
            edits.append(container, _Writer(container).region_items(drawn))
    names = list(dict.fromkeys(region.name for region, _ in wanted if region.name))
    for name, (kind, before, separator) in _LISTS.items():
        texts = [before + (text.replace(separator, "-") if separator else text) for text in names]
        present = _property(document, name)
        container = _container(present)
        if present is not None and container is None:
            raise XmlError(f"has {name} in a form that is no list")
        there = [] if container is None else [item.text for item in _items(container)]
        missing = [text for text in dict.fromkeys(texts) if not any(_same(text, other) for other in there)]
        if not missing:
            continue
        marks += [f"{name}={xml_characters(text)}" for text in missing]
        if container is None:
            marks.append(name)
            new.append(writer.list_property(name, kind, missing))
        else:
            edits.append(container, _Writer(container).list_items(missing))
    if marks:
        new.append(writer.list_property(_ADDED, "Bag", marks))
    lines = [line for each in new for line in each]
    if description is None:
        begin = writer.element("rdf:Description", {"rdf:about": ""})
        edits.append(_rdf(document), [f"<{begin}>", *(f" {line}" for line in lines), f"</{begin.split()[0]}>"])
    elif lines:
        edits.append(description, lines)
    return edits.applied()


class _Writer:
    """Lines of XML for the inside of an element, with the prefixes that hold there or are declared on the spot."""

    def __init__(self, parent: Element) -> None:
        self._prefixes = {address: prefix for prefix, address in parent.prefixes.items() if prefix}

    def element(self, name: str, attributes: dict[str, str] | None = None, *uses: str) -> str:
        """The inside of a start tag. Prefixes of it and of ``uses`` that do not hold in the parent are declared."""
        attributes = attributes or {}
        missing: dict[str, str] = {}
        for each in (name, *attributes, *uses):
            prefix = each.partition(":")[0]
            if NAMESPACES[prefix] not in self._prefixes:
                missing[prefix] = NAMESPACES[prefix]
        declared = "".join(f' xmlns:{prefix}="{address}"' for prefix, address in missing.items())
        pairs = "".join(f' {self.tag(key)}="{as_attribute(value)}"' for key, value in attributes.items())
        return f"{self.tag(name)}{declared}{pairs}"

    def tag(self, name: str) -> str:
        """A name with the prefix that its namespace has here."""
        prefix, _, local = name.partition(":")
        return f"{self._prefixes.get(NAMESPACES[prefix], prefix)}:{local}"

    def list_property(self, name: str, kind: str, texts: Sequence[str]) -> list[str]:
        """A property that is a list of texts."""
        bag = self.tag(f"rdf:{kind}")
        items = [f"  {line}" for line in self.list_items(texts)]
        return [f"<{self.element(name, None, 'rdf:li')}>", f" <{bag}>", *items, f" </{bag}>", f"</{self.tag(name)}>"]

    def list_items(self, texts: Sequence[str]) -> list[str]:
        """Items of a list of texts."""
        return [f"<{self.tag('rdf:li')}>{as_text(text)}</{self.tag('rdf:li')}>" for text in texts]

    def regions(self, regions: Sequence[Region], size: tuple[int, int]) -> list[str]:
        """All of ``mwg-rs:Regions``."""
        begin = self.element(
            _REGIONS, {"rdf:parseType": "Resource"}, "stArea:x", "stDim:w", "pyface:By"
        )  # fmt: skip
        dimensions = {"stDim:w": str(size[0]), "stDim:h": str(size[1]), "stDim:unit": "pixel"}
        pairs = "".join(f' {self.tag(key)}="{value}"' for key, value in dimensions.items())
        bag, all_of_them = self.tag("rdf:Bag"), self.tag("mwg-rs:RegionList")
        return [
            f"<{begin}>",
            f" <{self.tag('mwg-rs:AppliedToDimensions')}{pairs}/>",
            f" <{all_of_them}>",
            f"  <{bag}>",
            *(f"   {line}" for line in self.region_items(regions, is_declared=True)),
            f"  </{bag}>",
            f" </{all_of_them}>",
            f"</{self.tag(_REGIONS)}>",
        ]

    def region_items(self, regions: Sequence[Region], *, is_declared: bool = False) -> list[str]:
        """Items of a list of regions. ``is_declared``: the prefixes hold by what is around them."""
        item, inner, mark = self.tag("rdf:li"), self.tag("rdf:Description"), self.tag("pyface:By")
        begin = item if is_declared else self.element("rdf:li", None, "mwg-rs:Name", "stArea:x", "pyface:By")
        extensions = self.tag("mwg-rs:Extensions")
        lines: list[str] = []
        for region in regions:
            name = f' {self.tag("mwg-rs:Name")}="{as_attribute(region.name)}"' if region.name else ""
            area = "".join(f' {self.tag(f"stArea:{key}")}="{getattr(region.area, key):.6f}"' for key in "xywh")
            lines += [
                f"<{begin}>",
                f' <{inner}{name} {self.tag("mwg-rs:Type")}="Face">',
                f'  <{self.tag("mwg-rs:Area")}{area} {self.tag("stArea:unit")}="normalized"/>',
                f'  <{extensions} {self.tag("rdf:parseType")}="Resource">',
                f"   <{mark}>pyface</{mark}>",
                f"  </{extensions}>",
                f" </{inner}>",
                f"</{item}>",
            ]
        return lines


def _name(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{NAMESPACES[prefix]} {local}"


def _same(one: str, other: str) -> bool:
    return unicodedata.normalize("NFC", one.strip()) == unicodedata.normalize("NFC", other.strip())


def _rdf(document: Document) -> Element:
    root = document.root
    rdf = root if root.name == _name("rdf:RDF") else root.child(_name("rdf:RDF"))
    if rdf is None:
        raise XmlError("is XML, but no XMP (there is no rdf:RDF in it)")
    return rdf


def _descriptions(document: Document) -> Iterator[Element]:
    return (child for child in _rdf(document).children if child.name == _name("rdf:Description"))


def _property(document: Document, name: str) -> Element | None:
    """The element of a property. XmlError where it is an attribute, which lists and structures cannot be."""
    for description in _descriptions(document):
        if _name(name) in description.attributes:
            raise XmlError(f"has {name} in a form that is no list")
        found = description.child(_name(name))
        if found is not None:
            return found
    return None


def _node(element: Element) -> Element:
    """What has the fields of a structure: the element, or the one rdf:Description in it."""
    return element.child(_name("rdf:Description")) or element


def _container(element: Element | None) -> Element | None:
    if element is None:
        return None
    return next((child for child in element.children if child.name in map(_name, _CONTAINERS)), None)


def _region_container(regions: Element | None) -> Element | None:
    return None if regions is None else _container(_node(regions).child(_name("mwg-rs:RegionList")))


def _items(container: Element | None) -> list[Element]:
    return [] if container is None else [child for child in container.children if child.name == _name("rdf:li")]


def _value(node: Element, name: str) -> str:
    """A field of a structure, which may be an attribute or an element."""
    child = node.child(_name(name))
    return node.attributes.get(_name(name), "" if child is None else child.text.strip())


def _number(node: Element, name: str) -> float:
    try:
        return float(_value(node, name))
    except ValueError:
        return 0.0


def _found_region(item: Element) -> FoundRegion:
    node = _node(item)
    area_element = node.child(_name("mwg-rs:Area"))
    area = None
    if area_element is not None:
        inner = _node(area_element)
        if _value(inner, "stArea:unit") in ("normalized", ""):
            area = Area(*(_number(inner, f"stArea:{key}") for key in "xywh"))
    extensions = node.child(_name("mwg-rs:Extensions"))
    is_ours = extensions is not None and bool(_value(_node(extensions), "pyface:By"))
    return FoundRegion(item, _value(node, "mwg-rs:Name"), _value(node, "mwg-rs:Type"), area, is_ours)
