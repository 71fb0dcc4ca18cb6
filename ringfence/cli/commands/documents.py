"""``ringfence docs``: the documents that are made from the code."""

from dataclasses import fields

import typer

HEADING = """\
# Settings

Made from `ringfence/base/env.py` by `ringfence docs settings`; `./run check` compares the two.

Ringfence reads these environment variables, once, when a process starts. All of them have defaults.

| variable | default | what it decides |
| --- | --- | --- |
"""


def settings_reference() -> str:
    """The reference of all settings, in Markdown."""
    from ringfence.base.env import Environment

    rows = [
        f"| `{each.metadata['name']}` | {each.metadata['shown']} | {each.metadata['about']} |"
        for each in fields(Environment)
    ]
    return HEADING + "\n".join(rows) + "\n"


LINE_LIST = """\
# The line list

Made from `ringfence/feeds/linelist.py` and `ringfence/rules/results.py` by `ringfence docs line-list`; `./run check`
compares the two.

A line list is a CSV file: a header, then one row for each result. Comma, semicolon, tab or bar between the fields;
UTF-8, UTF-16 or Windows-1252; plain or gzip; any length. A field may be in quotation marks and then go over several
lines. Before the header may be the line `sep=;` that spreadsheets want; rows are numbered as the file has them, with it.

## Columns

In any order. Case, spaces and signs of a header do not count: `Specimen ID`, `specimen_id` and `SPECIMEN-ID` are the
same. Columns that nothing is known of are not read, and the receipt names them. A source whose headers are others is
given a mapping: see [how to take in line lists](../how-to/intake.md).

| field | headers understood without a mapping | what it holds |
| --- | --- | --- |
"""

HOLDS = {
    "specimen_id": "**Required.** At most 60 characters; with the laboratory it names the specimen.",
    "nhs_number": "Ten digits with the right check digit; a wrong one sets the row aside.",
    "given_name": "At most 100 characters. A positive needs a given or a family name.",
    "family_name": "As the given name.",
    "name": "The whole name in place of the two: `Family, Given` or `Given Family`.",
    "birth_date": "A date; a positive needs it. Not after the specimen date, not more than 120 years before.",
    "sex": "M, F, male, female, 1, 2, 9 or indeterminate; anything else is left empty.",
    "phone": "A telephone number; what cannot be one is left empty.",
    "phone_other": "A second telephone number.",
    "email": "An e-mail address; what cannot be one is left empty.",
    "address": "At most 300 characters, without the postcode.",
    "postcode": "The postcode of residence given at the test, in any spelling. It decides the authority.",
    "gp_postcode": "The postcode registered with the general practice; it decides where the other says nothing.",
    "ethnicity": "Cut at 60 characters.",
    "care_home": "Y, yes, true, t or 1; anything else is no.",
    "test_type": "Cut at 20 characters.",
    "specimen_date": "**Required.** A date from 1 January 2020 to the day the file arrives.",
    "report_date": "A date, not before the specimen date; when empty, the day of arrival.",
    "result": "**Required.** One of the words below.",
    "laboratory": "At most 60 characters; when empty, the name of the source.",
}

DATES = """
## Dates

`2020-08-03`, `20200803`, `03/08/2020` (day first, unless the source's mapping says month first), `3 Aug 2020`,
`202008031405`; a time after the date is dropped. A year of two digits is refused: it would be a guess.

## Words for a result

Case does not count. A source's mapping may add words.

| result | words |
| --- | --- |
"""

AFTER = """
## What becomes of a row

Every row is accepted, a duplicate or set aside; a receipt on which the three do not add up to the rows cannot be
written.

- **Accepted.** A positive opens a case or joins one. A negative or void result is kept, joins somebody already known,
  and opens nothing.
- **Duplicate.** The record has this specimen of this laboratory, with the same result and date.
- **Set aside** (in quarantine), with its number, the field and the reason: a field above that cannot be used; another
  number of fields than the header has; a quotation mark that is opened and never closed; bytes that are no text; a
  specimen that the record has with another result or date. The rows around it are read.

The number of a row counts records from the header, which is 1; empty lines count.

## What is refused as a whole

A spreadsheet (`.xls`, `.xlsx`), zip, PDF, web page, XML, JSON, HL7, EDIFACT, bzip2, xz, 7-Zip or binary file; a damaged
or cut-off gzip file; an empty file; a header without a required column, or with two columns for one field. The bytes
are kept and the receipt says why. Sent again after its source was given a mapping, a file that was refused for its
header is read.

## What the receipt points out

A count other than the sender's own; a file that ends at exactly the row where a spreadsheet program ends; columns that
were not read; telephone numbers that cannot be ones, from a tenth of the positives on; a gap in the numbers of a source's
files; a size unusual for the source; Windows-1252.
"""


def line_list_reference() -> str:
    """The reference of the line list, in Markdown."""
    from ringfence.feeds.linelist import HEADERS
    from ringfence.rules.results import RESULT_WORDS

    headers: dict[str, list[str]] = {field: [] for field in HOLDS}
    for header, field in HEADERS.items():
        headers[field].append(f"`{header}`")
    fields = [f"| `{field}` | {', '.join(headers[field])} | {holds} |" for field, holds in HOLDS.items()]
    words: dict[str, list[str]] = {}
    for word, result in RESULT_WORDS.items():
        words.setdefault(result, []).append(f"`{word}`")
    results = [f"| {result} | {', '.join(each)} |" for result, each in words.items()]
    return LINE_LIST + "\n".join(fields) + "\n" + DATES + "\n".join(results) + "\n" + AFTER


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Documents made from the code.", no_args_is_help=True)
    app.add_typer(group, name="docs")

    @group.command()
    def settings() -> None:
        """Print docs/reference/settings.md."""
        typer.echo(settings_reference(), nl=False)

    @group.command("line-list")
    def line_list() -> None:
        """Print docs/reference/line-list.md."""
        typer.echo(line_list_reference(), nl=False)

    @group.callback()
    def docs() -> None:
        """Documents made from the code."""
