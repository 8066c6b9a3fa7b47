"""The page that shows the people found in a folder of photos: plain data in, one self-contained HTML text out."""

from pyface.report.caps import cap_people
from pyface.report.live import ReportLive
from pyface.report.page import ReportFace, ReportPerson, ReportSkipped, ReportSummary, render_report

__all__ = ["ReportFace", "ReportLive", "ReportPerson", "ReportSkipped", "ReportSummary", "cap_people", "render_report"]
