"""Sidecars as other programs lay them out; written by hand after their published properties, no copies of files."""

from __future__ import annotations

_HEAD = """<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="{toolkit}">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
"""
_FOOT = """ </rdf:RDF>
</x:xmpmeta>
"""

# Attributes for simple properties, develop settings, a region of its own, keywords; no packet around it.
LIGHTROOM = (
    _HEAD.format(toolkit="Adobe XMP Core 7.0-c000 1.000000, 0000/00/00-00:00:00        ")
    + """  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
    xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"
    xmlns:stDim="http://ns.adobe.com/xap/1.0/sType/Dimensions#"
    xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#"
   xmp:Rating="4"
   xmp:Label="Grün"
   crs:Exposure2012="+0.35"
   crs:ToneCurveName2012='Linear &gt; "soft"'>
   <dc:subject>
    <rdf:Bag>
     <rdf:li>holiday</rdf:li>
     <rdf:li>Bob</rdf:li>
    </rdf:Bag>
   </dc:subject>
   <lr:hierarchicalSubject>
    <rdf:Bag>
     <rdf:li>places|Åre</rdf:li>
     <rdf:li>People|Bob</rdf:li>
    </rdf:Bag>
   </lr:hierarchicalSubject>
   <mwg-rs:Regions rdf:parseType="Resource">
    <mwg-rs:AppliedToDimensions
     stDim:w="{width}"
     stDim:h="{height}"
     stDim:unit="pixel"/>
    <mwg-rs:RegionList>
     <rdf:Bag>
      <rdf:li>
       <rdf:Description
        mwg-rs:Type="Face"
        mwg-rs:Name="Bob"
        mwg-rs:Rotation="-0.00000">
       <mwg-rs:Area
        stArea:x="0.9"
        stArea:y="0.9"
        stArea:w="0.1"
        stArea:h="0.1"/>
       </rdf:Description>
      </rdf:li>
     </rdf:Bag>
    </mwg-rs:RegionList>
   </mwg-rs:Regions>
   <crs:ToneCurvePV2012>
    <rdf:Seq>
     <rdf:li>0, 0</rdf:li>
     <rdf:li>255, 255</rdf:li>
    </rdf:Seq>
   </crs:ToneCurvePV2012>
  </rdf:Description>
"""
    + _FOOT
)

# A packet, several descriptions, tags as a sequence, and other prefixes than the usual ones.
DIGIKAM = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    + _HEAD.format(toolkit="XMP Core 4.4.0-Exiv2")
    + """  <rdf:Description rdf:about="" xmlns:dk="http://www.digikam.org/ns/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
    tiff:Orientation="6">
   <dk:TagsList>
    <rdf:Seq>
     <rdf:li>Places/Åre</rdf:li>
    </rdf:Seq>
   </dk:TagsList>
  </rdf:Description>
  <rdf:Description rdf:about="" xmlns:regs="http://www.metadataworkinggroup.com/schemas/regions/"
    xmlns:area="http://ns.adobe.com/xmp/sType/Area#">
   <regs:Regions rdf:parseType="Resource">
    <regs:RegionList>
     <rdf:Bag>
      <rdf:li rdf:parseType="Resource">
       <regs:Name>Cat</regs:Name>
       <regs:Type>Pet</regs:Type>
       <regs:Area rdf:parseType="Resource">
        <area:x>0.25</area:x>
        <area:y>0.25</area:y>
        <area:w>0.5</area:w>
        <area:h>0.5</area:h>
        <area:unit>normalized</area:unit>
       </regs:Area>
      </rdf:li>
     </rdf:Bag>
    </regs:RegionList>
   </regs:Regions>
  </rdf:Description>
"""
    + _FOOT
    + " " * 64
    + '\n<?xpacket end="w"?>'
)

# One line, one element for everything, no regions.
COMPACT = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/"><xmp:Rating>5</xmp:Rating></rdf:Description></rdf:RDF>'
)

# Everything an attribute: the description is an empty element, as darktable and others leave it.
ATTRIBUTES = (
    _HEAD.format(toolkit="XMP Core 4.4.0-Exiv2")
    + """  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
   xmp:Rating="1"/>
"""
    + _FOOT
)


def sample(name: str, width: int = 120, height: int = 80) -> bytes:
    """A sample by its name, its regions being of a picture of this size."""
    text = {"lightroom": LIGHTROOM, "digikam": DIGIKAM, "compact": COMPACT, "attributes": ATTRIBUTES}[name]
    return text.replace("{width}", str(width)).replace("{height}", str(height)).encode()


SAMPLES = ["lightroom", "digikam", "compact", "attributes"]
