"""Postcode directories: the packaged one, and files of one's own in the shapes that people have."""

import gzip

import pytest

from ringfence.geography import directory
from ringfence.geography.atlas import packaged
from ringfence.geography.directory import DirectoryProblem
from ringfence.rules import places

ENGLAND = packaged()

ONS = """\
pcd7,pcd8,pcds,dointr,doterm,lad25cd,east1m,north1m
LE5 4PW,LE5  4PW,LE5 4PW,198001,,E06000016,0461000,0305000
NN171AA,NN17 1AA,NN17 1AA,198001,202105,E07000150,489000,289000
G1  1AA,G1   1AA,G1 1AA,198001,,S12000049,,
JE2 3AB,JE2  3AB,JE2 3AB,199501,,L93000001,,
LE1 9ZZ,LE1  9ZZ,LE1 9ZZ,198001,,,0,0
"""

ROWS = [
    "LE5 4PW\tE06000016\t461000\t305000\t\\N",
    "NN17 1AA\tE06000061\t489000\t289000\t2021-05-01",
    "G1 1AA\tS12000049\t\\N\t\\N\t\\N",
    "JE2 3AB\tL99999999\t\\N\t\\N\t\\N",
    "LE1 9ZZ\t\\N\t\\N\t\\N\t\\N",
]


def rows(path):
    chunks = list(directory.own_file(path, ENGLAND).chunks())
    lines = b"".join(chunk.data for chunk in chunks).decode().splitlines()
    assert sum(chunk.rows for chunk in chunks) == len(lines)
    return lines


def test_the_ons_postcode_directory_with_a_code_that_has_since_changed(tmp_path):
    file = tmp_path / "onspd.csv"
    file.write_text("\ufeff" + ONS)
    assert rows(file) == ROWS


def test_the_same_gzipped_with_older_names_of_columns(tmp_path):
    file = tmp_path / "onspd.csv.gz"
    header, rest = ONS.split("\n", 1)
    older = header.replace("lad25cd", "OSLAUA").replace("east1m", "oseast1m").replace("north1m", "osnrth1m")
    with gzip.open(file, "wt") as out:
        out.write(older.replace("\n", "\r\n") + "\n" + rest)
    assert rows(file) == ROWS


def test_code_point_open_has_no_header(tmp_path):
    file = tmp_path / "le.csv"
    file.write_text(
        '"LE1 1AD",10,459040,304553,"E92000001","E19000001","E18000004","","E06000016","E05010463"\n'
        '"LE111AF",10,459194,304378,"E92000001","E19000001","E18000004","","E07000130","E05010463"\n'
    )
    assert rows(file) == ["LE1 1AD\tE06000016\t459040\t304553\t\\N", "LE11 1AF\tE07000130\t459194\t304378\t\\N"]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "empty"),
        ("name,age\nx,1\n", "no header"),
        ("pcds,laua\nLE5 4PW,E06999999\n", "line 2: E06999999 is not the code"),
        ("pcds,laua\nLE5 4PW,E12000004\n", "line 2: E12000004 is not the code"),
        ("pcds,laua\nLE5,E06000016\n", "line 2: Only the first half"),
        ("pcds,laua\n0X1 1AA,E07000178\n", "line 2: The postcode is misspelt"),
        ("pcds,laua\nLE5 4PW\n", "line 2: the row is shorter"),
        ("pcds,laua,oseast1m,osnrth1m\nLE5 4PW,E06000016,east,1\n", "line 2: 'east' is not a grid reference"),
        ("pcds,laua,oseast1m,osnrth1m\nLE5 4PW,E06000016,inf,1\n", "line 2: 'inf' is not a grid reference"),
        ("pcds,laua,doterm\nLE5 4PW,E06000016,202113\n", "line 2: '202113' is not a year and month"),
        ('pcds,laua\n"LE5 4PW,E06000016\n', "not a CSV file"),
        ("PK\x03\x04\x00\udc80", "not a CSV file"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_line(tmp_path, content, word):
    file = tmp_path / "own.csv"
    file.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(DirectoryProblem, match=r"own\.csv") as problem:
        rows(file)
    assert word in str(problem.value)


def test_a_gzip_file_that_ends_early_is_refused(tmp_path):
    file = tmp_path / "own.csv.gz"
    file.write_bytes(gzip.compress(ONS.encode())[:-12])
    with pytest.raises(DirectoryProblem, match="not a CSV file"):
        rows(file)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DirectoryProblem, match=r"own\.csv cannot be read: No such file"):
        directory.own_file(tmp_path / "own.csv", ENGLAND)


def test_the_fingerprint_follows_the_bytes(tmp_path):
    file = tmp_path / "own.csv"
    file.write_text(ONS)
    first = directory.own_file(file, ENGLAND).fingerprint
    assert directory.own_file(file, ENGLAND).fingerprint == first
    file.write_text(ONS + "LE5 4PX,LE5  4PX,LE5 4PX,198001,,E06000016,0461000,0305000\n")
    assert directory.own_file(file, ENGLAND).fingerprint != first


def test_the_packaged_directory_has_the_shape_that_is_read():
    found = directory.packaged()
    assert found.source.startswith(directory.PACKAGE)
    assert [path.name for path in found.files if "_J." in path.name or "_Z." in path.name] == [
        "postcodes_J.msgpack.br",
        "postcodes_Z.msgpack.br",
    ]
    small = directory.Directory(
        found.source, found.fingerprint, found.total, tuple(p for p in found.files if "_F." in p.name)
    )
    (chunk,) = small.chunks()
    lines = chunk.data.decode().splitlines()
    assert len(lines) == chunk.rows > 10_000
    for line in lines:
        code, area, east, north, terminated = line.split("\t")
        assert places.canonical(code) == code
        assert area == "\\N" or ENGLAND.area(area).in_force(None)
        assert (east == "\\N") == (north == "\\N")
        assert east == "\\N" or (int(east) > 0 and int(north) > 0)
        assert terminated == "\\N"


def test_a_damaged_package_file_is_named(tmp_path):
    broken = tmp_path / "postcodes_Q.msgpack.br"
    broken.write_bytes(b"not brotli")
    with pytest.raises(DirectoryProblem, match=r"postcodes_Q\.msgpack\.br .* Install the package again"):
        list(directory.Directory("x", "y", None, (broken,)).chunks())
