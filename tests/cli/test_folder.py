"""A data folder that lost something, by the real binary: it says what, ends with 1, makes nothing, and is a shop again
once the loss is back. And what else its manifest is for: the demo catalog, copies, processes that run a part."""
import contextlib
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import subprocess
import unittest

from test_cli import BINARY, GOOD_CSV, TIMEOUT_S, Case, environment, run

NAMES = ("identity", "catalog", "stripe_emulator", "payments", "orders", "realtime")
MANIFEST = "shop.manifest"
MISSING = "the database %s of the shop in .* is missing or empty; no row was changed: restore a backup"
RUNBOOK = r"\(docs/runbooks/database-missing\.md\)"


class Folder(Case):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.data)
        self.good("import", self.write("good.csv", GOOD_CSV), "--data", self.data)

    def files(self):
        """What the folder holds, but for what says who runs."""
        return {path.name: path.read_bytes() for path in self.path.iterdir()
                if path.is_file() and path.name not in ("lock", "clock") and not path.name.endswith("-shm")}

    def refused(self, said, *, commands=(("serve", "--port", "0"), ("migrate",), ("seed",), ("export",))):
        """By each command, and by the doctor; the folder stays as it is."""
        before = self.files()
        for command in commands:
            with self.subTest(command=command[0]):
                self.bad(1, said, *command, "--data", self.data)
                self.assertEqual(before, self.files())
        doctor = run("doctor", "--data", self.data, SHOPSTREAM_PORT="0")
        self.assertEqual(1, doctor.returncode, doctor.stdout)
        self.assertRegex(doctor.stdout + doctor.stderr, said)
        self.assertRegex(doctor.stdout, r"(?m)^(database|databases|manifest) +problem ")
        self.assertEqual(before, self.files())

    def is_whole(self):
        self.assertIn("cli-mug", self.good("export", "--data", self.data))
        self.assertRegex(self.good("doctor", "--data", self.data, SHOPSTREAM_PORT="0"),
                         r"(?m)^manifest +ok +the shop's %d databases are in the folder$" % len(NAMES))

    def named(self, path=None):
        return re.findall(r"(?m)^database (\w+) \d+$", (pathlib.Path(path or self.path) / MANIFEST).read_text())


class Lost(Folder):
    def test_a_database_that_is_emptied_or_removed(self):
        self.assertEqual(sorted(NAMES), sorted(self.named()))
        for name in NAMES:
            path, whole = self.path / (name + ".db"), (self.path / (name + ".db")).read_bytes()
            for lose in (lambda: os.truncate(path, 0), path.unlink):
                lose()
                self.refused(MISSING % name + ".*" + RUNBOOK)
            path.write_bytes(whole)
        self.is_whole()

    def test_a_database_of_a_service_that_does_not_run_here(self):
        path = self.path / "orders.db"
        whole = path.read_bytes()
        path.unlink()
        self.refused(MISSING % "orders", commands=[("serve", "--port", "0", "--services", "catalog")])
        path.write_bytes(whole)
        self.assertEqual(0, self.shop("--no-seed", "--services", "catalog").stop())
        self.is_whole()

    def test_another_file_in_its_place(self):
        """A database of another program, one of another shop, and an older one of this."""
        path = self.path / "orders.db"
        whole, early = path.read_bytes(), self.folder / "early"
        path.unlink()
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE note (text text)")
            database.commit()
        self.refused("the database orders .* is not the one that was here: it holds nothing of this shop.*" + RUNBOOK)
        other = str(self.folder / "other")
        self.good("migrate", "--data", other)
        shutil.copy(other + "/orders.db", path)
        self.refused("the database orders .* belongs to another shop.*" + RUNBOOK)
        path.write_bytes(whole)
        self.is_whole()
        early.write_bytes(whole)
        self.assertEqual(0, self.shop().stop())
        late = path.read_bytes()
        shutil.copy(early, path)
        self.refused("the database orders .* is older than the folder.*" + RUNBOOK)
        path.write_bytes(late)
        self.is_whole()

    def test_the_log_of_a_shop_that_was_killed(self):
        """As long as nothing of it was moved into the database; what sqlite3 itself moved is no loss."""
        shop = self.shop()
        shop.process.kill()
        shop.process.wait(TIMEOUT_S)
        log = self.path / "orders.db-wal"
        whole = log.read_bytes()
        log.unlink()
        self.bad(1, "orders .* is older than the folder.*" + RUNBOOK, "migrate", "--data", self.data)
        log.write_bytes(whole)
        with contextlib.closing(sqlite3.connect(self.path / "orders.db")) as database:
            self.assertEqual([("ok",)], database.execute("PRAGMA integrity_check").fetchall())
        self.assertFalse(log.exists())
        self.is_whole()

    def test_a_refused_start_after_a_crash(self):
        """It may merge a log into its own database, and loses nothing by that."""
        shop = self.shop()
        self.good("tenant", "add", "late", "--data", self.data)
        shop.process.kill()
        shop.process.wait(TIMEOUT_S)
        other = str(self.folder / "other")
        self.good("migrate", "--data", other)
        found = [path for path in self.path.iterdir() if path.name.startswith("orders.db")]
        for path in found:
            path.rename(self.folder / path.name)
        shutil.copy(other + "/orders.db", self.path)
        self.bad(1, "orders .* belongs to another shop.*no row was changed", "migrate", "--data", self.data)
        (self.path / "orders.db").unlink()
        for path in found:
            (self.folder / path.name).rename(path)
        self.is_whole()
        self.assertIn("late", self.good("tenant", "list", "--data", self.data))

    def test_the_list_itself(self):
        path = self.path / MANIFEST
        whole = path.read_bytes()
        for bad in (b"", whole[:-3], b"\0" * len(whole)):
            path.write_bytes(bad)
            self.refused(r"shop\.manifest, the list of the shop's databases, is damaged; take it away and write it "
                         "anew " + RUNBOOK)
        path.unlink()
        self.refused(r"shop\.manifest, the list of the shop's databases, is missing, and by the database \w+ this is "
                     "the shop [0-9a-f-]{36}; write it anew " + RUNBOOK)
        # By hand, as the runbook says.
        shop = re.search(rb"(?m)^shop .*$", whole).group()
        path.write_bytes(b"shopstream-folder 1\n" + shop + b"\nend\n")
        self.is_whole()
        self.assertEqual(sorted(NAMES), sorted(self.named()))

    def test_under_a_running_shop(self):
        """It would not notice; the doctor does."""
        shop = self.shop()
        (self.path / "orders.db").rename(self.folder / "orders.db")
        doctor = run("doctor", "--data", self.data)
        self.assertEqual(1, doctor.returncode)
        self.assertRegex(doctor.stdout, r"(?m)^database +problem +" + MISSING % "orders")
        (self.folder / "orders.db").rename(self.path / "orders.db")
        self.assertEqual(0, shop.stop())
        self.is_whole()

    def test_a_folder_with_nothing_but_its_list_is_a_shop_that_lost_all(self):
        for name in NAMES:
            (self.path / (name + ".db")).unlink()
        self.refused(MISSING % r"\w+")


class Kept(Folder):
    def test_a_folder_of_an_earlier_version_is_taken_over(self):
        (self.path / MANIFEST).unlink()
        for name in NAMES:
            with contextlib.closing(sqlite3.connect(self.path / (name + ".db"))) as database:
                database.execute("DROP TABLE shopstream_mark")
                database.commit()
        self.is_whole()
        (self.path / "orders.db").unlink()
        self.refused(MISSING % "orders")

    def test_a_database_that_is_given_up_by_hand(self):
        """The last resort of the runbook: without its line it is made anew, and stays without the demo catalog."""
        (self.path / "catalog.db").unlink()
        path = self.path / MANIFEST
        path.write_text(re.sub(r"(?m)^database catalog \d+\n", "", path.read_text()))
        shop = self.shop()
        self.assertNotIn("demo catalog", "".join(shop.lines))
        self.assertEqual([], shop.get("/api/catalog/v1/products").get("products", []))
        self.assertEqual(0, shop.stop())
        self.assertEqual(sorted(NAMES), sorted(self.named()))

    def test_copies_have_the_list(self):
        copy, restored, loaded = (str(self.folder / name) for name in ("copy", "restored", "loaded"))
        self.good("backup", copy, "--data", self.data)
        self.assertEqual(sorted(NAMES), sorted(self.named(copy)))
        self.good("restore", copy, "--data", restored)
        self.good("dump", str(self.folder / "shop.jsonl"), "--data", self.data)
        self.good("load", str(self.folder / "shop.jsonl"), "--data", loaded)
        for data in (restored, loaded):
            self.path, self.data = pathlib.Path(data), data
            self.assertEqual(sorted(NAMES), sorted(self.named()))
            self.is_whole()
            (self.path / "payments.db").unlink()
            self.refused(MISSING % "payments")

    def test_a_restore_that_was_killed_is_no_shop(self):
        """Whatever it had put in place."""
        self.good("backup", str(self.folder / "copy"), "--data", self.data)
        other = self.folder / "other"
        (other / ".incoming").mkdir(parents=True)
        shutil.copy(self.path / "catalog.db", other)
        self.bad(1, "a restore or load into .* did not come to its end", "migrate", "--data", str(other))
        self.assertEqual([".incoming", "catalog.db"], sorted(set(os.listdir(other)) - {"lock"}))


class Backups(Folder):
    """A backup is a shop of its own: it opens whole, and no single file of it, in another folder, does."""

    def marks(self, path):
        """Whose each database is, by its own word: one id, the list's."""
        shops = set(re.findall(r"(?m)^shop (.*)$", (path / MANIFEST).read_text()))
        for name in NAMES:
            with contextlib.closing(sqlite3.connect("file:%s?immutable=1" % (path / (name + ".db")), uri=True)) as it:
                shops.update(shop for shop, in it.execute("SELECT shop FROM shopstream_mark"))
        return shops

    def add_tenant(self, name):
        self.good("tenant", "add", name, "--data", self.data)

    def test_one_file_of_a_backup_of_today(self):
        """Made since the last start, so that its count of openings is the folder's."""
        copy = self.folder / "copy"
        shop = self.shop()
        self.good("backup", str(copy), "--data", self.data)
        self.add_tenant("late")
        self.assertEqual(0, shop.stop())
        for name in NAMES:
            with self.subTest(name):
                path, whole = self.path / (name + ".db"), (self.path / (name + ".db")).read_bytes()
                shutil.copy(copy / (name + ".db"), path)
                self.refused("the database %s .* belongs to another shop, or is one file of a backup.*%s"
                             % (name, RUNBOOK))
                path.write_bytes(whole)
        self.is_whole()
        self.assertIn("late", self.good("tenant", "list", "--data", self.data))

    def test_each_copy_has_an_id_of_its_own(self):
        paths = [self.folder / name for name in ("first", "second", "restored", "again")]
        for path in paths[:2]:
            self.good("backup", str(path), "--data", self.data)
        for path in paths[2:]:
            self.good("restore", str(paths[0]), "--data", str(path))
        shops = [self.marks(path) for path in [self.path, *paths]]
        self.assertEqual([1] * 5, [len(ids) for ids in shops], shops)
        self.assertEqual(5, len(set.union(*shops)), shops)
        for path in paths:
            self.assertEqual([], [name for name in os.listdir(path) if name.endswith(("-wal", "-shm"))])
        self.path, self.data = paths[3], str(paths[3])
        self.is_whole()

    def test_by_a_process_that_runs_a_part(self):
        """README's list for production, over a folder that all services had; what changed last is in the copy."""
        copy, restored = self.folder / "copy", str(self.folder / "restored")
        shop = self.shop("--services", "identity,catalog,orders,payments,admin,shell",
                         SHOPSTREAM_STRIPE_URL="http://127.0.0.1:9", SHOPSTREAM_STRIPE_SECRET_KEY="sk_test_of_nobody",
                         SHOPSTREAM_STRIPE_WEBHOOK_SECRET="whsec_of_nobody_at_all_0123456789")
        self.add_tenant("late")
        self.good("backup", str(copy), "--data", self.data)
        self.assertEqual(0, shop.stop())
        self.assertEqual(sorted(NAMES), sorted(self.named(copy)))
        self.good("restore", str(copy), "--data", restored)
        self.is_whole()
        self.path, self.data = pathlib.Path(restored), restored
        self.is_whole()
        self.assertIn("late", self.good("tenant", "list", "--data", restored))

    def test_of_a_part_where_the_rest_is_wrong(self):
        """It says so, and leaves no half of a copy."""
        copy = self.folder / "copy"
        shop = self.shop("--no-seed", "--services", "catalog,admin")
        path, whole = self.path / "orders.db", (self.path / "orders.db").read_bytes()
        path.unlink()
        self.bad(1, MISSING % "orders", "backup", str(copy), "--data", self.data)
        self.assertFalse(copy.exists())
        other = str(self.folder / "other")
        self.good("migrate", "--data", other)
        shutil.copy(other + "/orders.db", path)
        self.bad(1, "the database orders .* belongs to another shop", "backup", str(copy), "--data", self.data)
        self.assertFalse(copy.exists())
        path.write_bytes(whole)
        copy.mkdir()
        self.bad(1, "the folder .* cannot be made: File exists", "backup", str(copy), "--data", self.data)
        self.assertTrue(copy.exists())
        copy.rmdir()
        self.good("backup", str(copy), "--data", self.data)
        self.assertEqual(0, shop.stop())


class Parts(Folder):
    """Beside a process that runs a part of the services, and where something else is wrong."""

    def setUp(self):
        super().setUp()
        path = self.path / "orders.db"
        self.whole = path.read_bytes()

    def damage_orders(self):
        with open(self.path / "orders.db", "r+b") as file:
            file.seek(8192)
            file.write(b"\xa5" * (len(self.whole) - 8192))

    def examined(self, **settings):
        """What the doctor says of each database."""
        doctor = run("doctor", "--data", self.data, **{"SHOPSTREAM_PORT": "0", **settings})
        said = dict(re.findall(r"(?m)^database +(?:ok +|problem +)(\w+)\.db(.*)$", doctor.stdout))
        self.assertEqual(sorted(NAMES), sorted(said), doctor.stdout + doctor.stderr)
        self.assertEqual([], [name for name in set(said) - {"orders"} if said[name]], doctor.stdout)
        return doctor, said["orders"]

    def test_a_dump_is_whole_or_none(self):
        path = self.folder / "shop.jsonl"
        shop = self.shop("--no-seed", "--services", "catalog,admin")
        self.bad(1, r"the process that serves .* runs without \w+; stop it, and make the dump then", "dump", str(path),
                 "--data", self.data)
        self.assertFalse(path.exists())
        self.assertEqual(0, shop.stop())
        self.good("dump", str(path), "--data", self.data)

    def test_the_doctor_beside_a_part(self):
        shop = self.shop("--no-seed", "--services", "catalog,admin")
        doctor, orders = self.examined()
        self.assertEqual((0, ""), (doctor.returncode, orders), doctor.stdout)
        self.damage_orders()
        doctor, orders = self.examined()
        self.assertEqual(1, doctor.returncode, doctor.stdout)
        self.assertRegex(orders, "is damaged")
        (self.path / "orders.db").write_bytes(self.whole)
        self.assertEqual(0, shop.stop())
        self.is_whole()

    def test_the_doctor_looks_at_each_whatever_else_is_wrong(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            doctor, orders = self.examined(SHOPSTREAM_PORT=port)
            self.assertEqual((1, ""), (doctor.returncode, orders), doctor.stdout)
            self.assertRegex(doctor.stdout, "(?m)^port +problem ")
            self.damage_orders()
            doctor, orders = self.examined(SHOPSTREAM_PORT=port)
            self.assertRegex(orders, "is damaged")


class Damaged(Folder):
    RUNBOOK = pathlib.Path(__file__).parents[2] / "docs" / "runbooks" / "corrupt-database.md"

    def refused_as_damaged(self, said):
        """In the words of the runbook, which it names."""
        for command in (("serve", "--port", "0"), ("migrate",)):
            with self.subTest(command=command[0]):
                result = run(*command, "--data", self.data)
                self.assertEqual(1, result.returncode, result.stderr)
                self.assertRegex(result.stderr, re.escape(said.replace("…", self.data)))
                self.assertIn("(docs/runbooks/corrupt-database.md)", result.stderr)
        self.assertIn(said.replace("payments", "NAME"), self.RUNBOOK.read_text())

    def test_blocks_of_a_database(self):
        """Wherever the start comes upon them: at the schema, the migrations, the mark, or the rows."""
        path = self.path / "payments.db"
        whole = path.read_bytes()
        with contextlib.closing(sqlite3.connect(path)) as database:
            roots = dict(database.execute("SELECT name, rootpage FROM sqlite_master WHERE type = 'table'"))
        for table in ("shopstream_mark", "shopstream_migrations", "service_secret"):
            with self.subTest(table):
                start = (roots[table] - 1) * 4096
                path.write_bytes(whole[:start] + b"\xa5" * 4096 + whole[start + 4096:])
                self.refused_as_damaged("the database …/payments.db is damaged")
        path.write_bytes(whole[:1000] + b"\xa5" * 3096 + whole[4096:])
        self.refused_as_damaged("the database …/payments.db is damaged")
        path.write_bytes(whole)
        self.is_whole()

    def test_the_emulators_key(self):
        path = self.path / "stripe_emulator.key"
        os.truncate(path, 5)
        self.refused_as_damaged("the file …/stripe_emulator.key is damaged")
        path.unlink()
        self.is_whole()


class Demo(Case):
    """The demo catalog is for a shop that nobody has used."""

    def products(self, shop):
        return len(shop.get("/api/catalog/v1/products?limit=20").get("products", []))

    def test_a_shop_that_was_open_gets_none(self):
        self.assertEqual(0, self.shop("--no-seed").stop())
        shop = self.shop()
        self.assertEqual(0, self.products(shop))
        self.assertEqual(0, shop.stop())

    def test_a_shop_that_was_made_and_never_open_gets_it(self):
        self.good("migrate", "--data", self.data)
        self.assertIn("new\n", (pathlib.Path(self.data) / MANIFEST).read_text())
        shop = self.shop()
        self.assertEqual(20, self.products(shop))
        self.assertNotIn("new\n", (pathlib.Path(self.data) / MANIFEST).read_text())
        self.assertEqual(0, shop.stop())

    def test_an_empty_catalog_beside_accounts_gets_none(self):
        self.assertEqual(0, self.shop("--services", "identity,shell").stop())
        shop = self.shop()
        self.assertEqual(0, self.products(shop))
        self.assertEqual(0, shop.stop())


class Quiet(Case):
    def test_the_doctor_leaves_no_warning_in_the_running_shops_log(self):
        log = self.folder / "log"
        with open(log, "wb") as stream:
            process = subprocess.Popen([BINARY, "--data", self.data, "--port", "0", "--no-seed"], env=environment(),
                                       stdout=subprocess.PIPE, stderr=stream, text=True)
        try:
            while not process.stdout.readline().startswith("API:"):
                self.assertIsNone(process.poll())
            self.assertRegex(self.good("doctor", "--data", self.data), r"(?m)^lock +ok +held by the running shop")
        finally:
            process.terminate()
            self.assertEqual(0, process.wait(TIMEOUT_S))
            process.stdout.close()
        self.assertNotIn("admin request failed", log.read_text())
        self.assertNotIn('"warning"', log.read_text())


if __name__ == "__main__":
    unittest.main()
