"""A release in the shapes that other trainers read, each row with the key by which it can be withdrawn."""

from fedi_dataset.shapes.write import FORMATS, ExportReport, Format, export

__all__ = ["FORMATS", "ExportReport", "Format", "export"]
