"""Loading: once, all or nothing, and readable by those who may."""

import threading

import psycopg
import pytest

from ringfence.geography import directory, load, resolve
from ringfence.geography.atlas import packaged
from ringfence.geography.directory import DirectoryProblem
from ringfence.rules.places import Kind

HEADER = "pcds,laua,oseast1m,osnrth1m\n"
ONE = HEADER + "LE5 4PW,E06000016,461000,305000\n"
TWO = ONE + "BB1 1AA,E06000008,368000,428000\n"

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(autouse=True)
def _nothing_remembered():
    resolve.forget()
    yield
    resolve.forget()


@pytest.fixture
def own(tmp_path):
    def write(content):
        file = tmp_path / "own.csv"
        file.write_text(content)
        return file

    return write


def codes(connection):
    return [row[0] for row in connection.execute("SELECT code FROM geography.postcodes ORDER BY code")]


def test_a_file_is_loaded_once(owner, own):
    first = load.ensure(owner, postcodes=own(TWO))
    assert [(done.what, done.rows, done.fresh) for done in first] == [("areas", 0, False), ("postcodes", 2, True)]
    again = load.ensure(owner, postcodes=own(TWO))
    assert [(done.rows, done.fresh) for done in again] == [(0, False), (0, False)]
    assert codes(owner) == ["BB1 1AA", "LE5 4PW"]


def test_another_file_takes_the_place_of_the_first_and_keeps_keys_indexes_and_rights(owner, login, own):
    load.ensure(owner, postcodes=own(TWO))
    shape = """
        SELECT conname AS name FROM pg_constraint WHERE conrelid = 'geography.postcodes'::regclass
        UNION SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'geography.postcodes'::regclass
        UNION SELECT grantee || ' ' || privilege_type FROM information_schema.role_table_grants
              WHERE table_schema = 'geography' AND table_name = 'postcodes'
        ORDER BY name"""
    before = owner.execute(shape).fetchall()
    load.ensure(owner, postcodes=own(ONE))
    assert codes(owner) == ["LE5 4PW"]
    # PostgreSQL 18 lists what is not null as constraints too, named when the first table was made.
    assert [row for row in owner.execute(shape).fetchall() if "not_null" not in row[0]] == [
        row for row in before if "not_null" not in row[0]
    ]
    for role in ("app", "worker", "lab", "cli"):
        assert codes(login(role)) == ["LE5 4PW"]


def test_a_file_of_your_own_is_not_overwritten_by_the_packaged_directory(owner, own):
    load.ensure(owner, postcodes=own(ONE))
    (_, done) = load.ensure(owner)
    assert (done.source, done.fresh) == ("own.csv", False)
    assert codes(owner) == ["LE5 4PW"]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (ONE + "LE5 4PW,E06000016,1,1\n", "twice"),
        (ONE + "LE5 4PX,E06999999,1,1\n", "not the code of an authority"),
        (HEADER, "has no postcode"),
    ],
)
def test_a_load_that_fails_leaves_what_was_there(owner, own, content, word):
    load.ensure(owner, postcodes=own(TWO))
    with pytest.raises(DirectoryProblem, match=word):
        load.ensure(owner, postcodes=own(content))
    assert codes(owner) == ["BB1 1AA", "LE5 4PW"]
    assert owner.execute("SELECT to_regclass('geography.postcodes_new')").fetchone() == (None,)
    (_, done) = load.ensure(owner, postcodes=own(ONE))
    assert done.fresh


def test_a_directory_newer_than_the_areas_is_refused(owner):
    class Newer(directory.Directory):
        def chunks(self):
            yield directory.Chunk(1, b"LE5 4PW\tE06999999\t1\t1\t\\N\n")

    strange = Newer("strange", "1")
    with pytest.raises(psycopg.errors.ForeignKeyViolation), load._transaction(owner):
        load._fill(owner, strange, print)


def test_readers_see_the_old_postcodes_until_the_new_ones_are_whole(owner, login, own):
    load.ensure(owner, postcodes=own(TWO))
    reader = login("app")
    with load._transaction(owner):
        load._fill(owner, directory.own_file(own(ONE), resolve.atlas()), print)
        assert codes(reader) == ["BB1 1AA", "LE5 4PW"]
        load._exchange(owner)
    assert codes(reader) == ["LE5 4PW"]


def test_a_load_whose_process_dies_leaves_nothing(owner, login, own):
    load.ensure(owner, postcodes=own(TWO))
    dying = login("owner")

    class Dying(directory.Directory):
        def chunks(self):
            yield from super().chunks()
            owner.execute("SELECT pg_terminate_backend(%s)", [dying.info.backend_pid])

    whole = directory.own_file(own(ONE), resolve.atlas())
    cut = Dying(whole.source, whole.fingerprint, whole.total, whole.files, whole.codes)
    with pytest.raises(psycopg.OperationalError), load._transaction(dying):
        load._fill(dying, cut, print)
    assert codes(owner) == ["BB1 1AA", "LE5 4PW"]
    assert load.ensure(owner, postcodes=own(ONE))[1].fresh


def test_two_loads_at_once_load_once(login, own):
    file, fresh = own(TWO), []

    def run(connection):
        fresh.append(load.ensure(connection, postcodes=file)[1].fresh)

    threads = [threading.Thread(target=run, args=(login("owner"),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(fresh) == [False, True]


@pytest.mark.parametrize("role", ["app", "worker", "lab", "cli"])
@pytest.mark.parametrize("table", ["areas", "area_parents", "area_successors", "postcodes", "loads"])
def test_only_the_owner_writes(login, role, table):
    connection = login(role)
    connection.execute(f"SELECT * FROM geography.{table} LIMIT 1")
    for statement in (f"DELETE FROM geography.{table}", f"TRUNCATE geography.{table}"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_the_areas_of_the_database_are_those_of_the_file(owner):
    load.load_areas(owner, again=True)
    resolve.forget()
    stored, file = resolve.atlas(), packaged()
    assert dict(stored.areas) == dict(file.areas)
    assert stored.changes == file.changes


def test_places_in_sets(owner, own):
    load.ensure(owner, postcodes=own(TWO))
    texts = ["le5 4pw", "LE54PW", "BB1 1AA", "LE5 4PX", "S01 1AA", "", None, "G1 1AA"]
    found = resolve.place(texts)
    assert list(found) == texts
    assert [found[text].kind for text in texts] == [
        Kind.ENGLAND,
        Kind.ENGLAND,
        Kind.ENGLAND,
        Kind.UNKNOWN,
        Kind.NOT_A_POSTCODE,
        Kind.BLANK,
        Kind.BLANK,
        Kind.OUTSIDE,
    ]
    assert found["le5 4pw"] == found["LE54PW"]
    assert (found["le5 4pw"].utla, found["le5 4pw"].easting) == ("E06000016", 461000)


def test_one_statement_for_a_set_and_none_for_what_is_remembered(owner, own, django_assert_num_queries):
    load.ensure(owner, postcodes=own(TWO))
    resolve.atlas()
    with django_assert_num_queries(1):
        resolve.place(["LE5 4PW", "BB1 1AA", "LE5 4PX"])
    with django_assert_num_queries(0):
        resolve.place(["LE5 4PW", "bb11aa"])
    with django_assert_num_queries(1):
        resolve.place(["LE5 4PX"])


def test_no_more_is_remembered_than_is_allowed(owner, own, monkeypatch):
    load.ensure(owner, postcodes=own(TWO))
    monkeypatch.setattr(resolve, "MOST_REMEMBERED", 1)
    for _ in range(2):
        assert resolve.located(["LE5 4PW"])["LE5 4PW"].ltla == "E06000016"
        assert resolve.located(["BB1 1AA"])["BB1 1AA"].ltla == "E06000008"
        assert len(resolve._remembered) == 1
    assert len(resolve.located(["LE5 4PW", "BB1 1AA"])) == 2
    assert len(resolve._remembered) <= 1


def test_questions_about_areas():
    assert resolve.area("E06000016").name == "Leicester"
    assert resolve.lineage("E07000130").utla == "E10000018"
    assert resolve.children("E10000018")[0].name == "Blaby"
    assert resolve.current("E07000150").codes == ("E06000061",)
