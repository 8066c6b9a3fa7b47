"""Sidecars merged in place: others' words stay to the byte, ours are replaced, and both are read by a plain parser."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from export.sidecar_samples import SAMPLES, sample
from hypothesis import given
from hypothesis import strategies as st

from pyface.export.regions import Area, Region
from pyface.export.xml_text import XmlError, parse
from pyface.export.xmp import NAMESPACES, applied_to, found_regions, listed, merge

SIZE = (120, 80)
ADA, ZOE = Region(Area(0.2, 0.2, 0.1, 0.1), "Ada"), Region(Area(0.6, 0.3, 0.2, 0.2), "Zoë")
names = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1, max_size=12
).filter(lambda name: name.strip() == name)
areas = st.builds(
    Area,
    *(st.integers(1, 9).map(lambda n: n / 10) for _ in "xy"),
    *(st.integers(1, 5).map(lambda n: n / 50) for _ in "wh"),
)
some_regions = st.lists(st.builds(Region, areas, names | st.just("")), max_size=4)


def content(data: bytes) -> Any:
    """A sidecar as nested tuples, blanks between elements aside."""

    def of(element: ET.Element) -> Any:
        return (
            element.tag,
            tuple(sorted(element.attrib.items())),
            (element.text or "").strip(),
            tuple(of(child) for child in element),
        )

    return of(ET.fromstring(data.decode("utf-8").encode()))


def found(data: bytes) -> list[tuple[str, str, bool]]:
    return [(region.name, region.type, region.is_ours) for region in found_regions(parse(data))]


def test_a_new_sidecar() -> None:
    data = merge(None, [ADA, ZOE], SIZE).data
    assert data is not None
    root = ET.fromstring(data)
    rdf, ns = root[0], NAMESPACES
    description = rdf[0]
    dimensions = description.find(f"{{{ns['mwg-rs']}}}Regions/{{{ns['mwg-rs']}}}AppliedToDimensions")
    assert dimensions is not None
    assert {key.partition("}")[2]: value for key, value in dimensions.attrib.items()} == {
        "w": "120", "h": "80", "unit": "pixel"
    }  # fmt: skip
    regions = list(description.iter(f"{{{ns['mwg-rs']}}}Area"))
    assert [{key.partition("}")[2]: value for key, value in area.attrib.items()} for area in regions] == [
        {"x": "0.200000", "y": "0.200000", "w": "0.100000", "h": "0.100000", "unit": "normalized"},
        {"x": "0.600000", "y": "0.300000", "w": "0.200000", "h": "0.200000", "unit": "normalized"},
    ]
    document = parse(data)
    assert applied_to(document) == (120, 80)
    assert found(data) == [("Ada", "Face", True), ("Zoë", "Face", True)]
    assert listed(document, "Iptc4xmpExt:PersonInImage") == ["Ada", "Zoë"]
    assert listed(document, "digiKam:TagsList") == ["People/Ada", "People/Zoë"]
    assert listed(document, "lr:hierarchicalSubject") == ["People|Ada", "People|Zoë"]


def test_names_that_would_make_levels() -> None:
    data = merge(None, [Region(ADA.area, "A/B|C")], SIZE).data
    assert data is not None
    document = parse(data)
    assert listed(document, "Iptc4xmpExt:PersonInImage") == ["A/B|C"]
    assert listed(document, "digiKam:TagsList") == ["People/A-B|C"]
    assert listed(document, "lr:hierarchicalSubject") == ["People|A/B-C"]


def test_nothing_to_say_makes_no_sidecar() -> None:
    assert merge(None, [], SIZE).data is None


@given(some_regions)
def test_a_sidecar_of_ours_alone_goes_when_nothing_is_left(regions: list[Region]) -> None:
    data = merge(None, regions, SIZE).data
    if regions:
        assert data is not None
        assert merge(data, regions, SIZE).data == data
        assert merge(data, [], SIZE).data is None
        assert [region.name for region in found_regions(parse(data))] == [region.name for region in regions]
    else:
        assert data is None


@pytest.mark.parametrize("name", SAMPLES)
@given(first=some_regions, second=some_regions)
def test_others_words_stay_to_the_byte(name: str, first: list[Region], second: list[Region]) -> None:
    """Put in, put in again, replaced, and taken out: all but our lines is as it was, and at the end all bytes are."""
    old = sample(name)
    one = merge(old, first, SIZE).data
    assert one is not None
    assert merge(one, first, SIZE).data == one
    two = merge(one, second, SIZE).data
    assert two is not None
    assert two == merge(old, second, SIZE).data or name == "attributes"
    # Nothing of the old file is missing or in another order.
    rest = iter(two)
    assert all(byte in rest for byte in (old if name != "attributes" else old.replace(b'"1"/>', b'"1">')))
    back = merge(two, [], SIZE).data
    if name == "attributes":
        assert back is not None
        assert content(back) == content(old)
    else:
        assert back == old


@pytest.mark.parametrize("name", SAMPLES)
def test_regions_are_added_to_those_of_others(name: str) -> None:
    data = merge(sample(name), [ADA, ZOE], SIZE).data
    assert data is not None
    theirs = {"lightroom": [("Bob", "Face", False)], "digikam": [("Cat", "Pet", False)]}.get(name, [])
    assert found(data) == [*theirs, ("Ada", "Face", True), ("Zoë", "Face", True)]
    tags = listed(parse(data), "digiKam:TagsList")
    assert tags == (["Places/Åre"] if name == "digikam" else []) + ["People/Ada", "People/Zoë"]


def test_a_name_that_is_there_is_not_added_and_not_taken_away() -> None:
    old = sample("lightroom")
    bob = Region(ADA.area, "Bob")
    data = merge(old, [bob], SIZE).data
    assert data is not None
    assert listed(parse(data), "lr:hierarchicalSubject") == ["places|Åre", "People|Bob"]
    assert listed(parse(data), "Iptc4xmpExt:PersonInImage") == ["Bob"]
    assert merge(data, [], SIZE).data == old


def test_a_face_that_another_program_has_named_alike_stays_its() -> None:
    data = merge(sample("lightroom"), [Region(Area(0.9, 0.9, 0.09, 0.11), "Bob")], SIZE).data
    assert data is not None
    assert found(data) == [("Bob", "Face", False)]
    assert listed(parse(data), "Iptc4xmpExt:PersonInImage") == ["Bob"]


def test_a_face_that_another_program_calls_otherwise_stays_its_and_is_noted() -> None:
    merged = merge(sample("lightroom"), [Region(Area(0.9, 0.9, 0.09, 0.11), "Ada"), ZOE], SIZE)
    assert merged.data is not None
    assert found(merged.data) == [("Bob", "Face", False), ("Zoë", "Face", True)]
    assert listed(parse(merged.data), "Iptc4xmpExt:PersonInImage") == ["Zoë"]
    assert merged.notes == ("Ada is called Bob by another program, which stays",)


def test_what_others_add_to_our_lists_stays() -> None:
    data = merge(None, [ADA], SIZE).data
    assert data is not None
    grown = data.replace(b"<rdf:li>People/Ada</rdf:li>", b"<rdf:li>People/Ada</rdf:li><rdf:li>Places</rdf:li>")
    back = merge(grown, [], SIZE).data
    assert back is not None
    assert listed(parse(back), "digiKam:TagsList") == ["Places"]
    assert listed(parse(back), "Iptc4xmpExt:PersonInImage") == []
    assert found(back) == []


def test_regions_of_a_picture_of_another_shape_are_left_alone() -> None:
    with pytest.raises(XmlError, match="regions of a picture of 80 x 120 pixels, and this one is stored as 120 x 80"):
        merge(sample("lightroom", 80, 120), [ADA], SIZE)
    smaller = merge(sample("lightroom", 60, 40), [ADA], SIZE).data
    assert smaller is not None
    assert applied_to(parse(smaller)) == (60, 40)


@pytest.mark.parametrize(
    ("old", "reason"),
    [
        (b"<html/>", "is XML, but no XMP"),
        (sample("compact").replace(b"xmp:Rating>5</xmp:Rating", b"lr:hierarchicalSubject "
         b'xmlns:lr="http://ns.adobe.com/lightroom/1.0/">Ada</lr:hierarchicalSubject'), "a form that is no list"),
        (sample("attributes").replace(b'xmp:Rating="1"', b'xmlns:k="http://www.digikam.org/ns/1.0/" k:TagsList="x"'),
         "has digiKam:TagsList in a form that is no list"),
        (sample("compact").replace(b"xmp:Rating>5</xmp:Rating", b"r:Regions "
         b'xmlns:r="http://www.metadataworkinggroup.com/schemas/regions/"/'), "without a list of regions"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_left_alone(old: bytes, reason: str) -> None:
    with pytest.raises(XmlError, match=reason):
        merge(old, [ADA], SIZE)


def test_a_rdf_without_a_description() -> None:
    old = b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>'
    data = merge(old, [ADA], SIZE).data
    assert data is not None
    assert found(data) == [("Ada", "Face", True)]
    assert listed(parse(data), "digiKam:TagsList") == ["People/Ada"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_other_encodings(encoding: str) -> None:
    old = sample("lightroom").decode().encode(encoding)
    data = merge(old, [ADA, ZOE], SIZE).data
    assert data is not None
    assert "Zoë" in data.decode(encoding)
    assert merge(data, [], SIZE).data == old


def test_lines_end_as_they_did() -> None:
    old = sample("lightroom").replace(b"\n", b"\r\n")
    data = merge(old, [ADA], SIZE).data
    assert data is not None
    assert data.count(b"\n") == data.count(b"\r\n") > old.count(b"\r\n")
    assert merge(data, [], SIZE).data == old
