/** What the key store asks of a database, whichever it is: the port's contract. */
import { expect, test } from "vitest";
import type { KeyDatabase, RowWriter } from "../../src/key-database.ts";

/** A database under test, with the tables below. */
export interface DatabaseUnderTest {
  create(schema: string): KeyDatabase;
  /** The same again, as another process opens it. */
  open(): KeyDatabase;
}

export const SCHEMA = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, body BLOB) STRICT;
CREATE TABLE parts (thing INTEGER NOT NULL REFERENCES things (id)) STRICT;
CREATE INDEX parts_by_thing ON parts (thing);`;

const BODY = Uint8Array.from({ length: 256 }, (_, i) => i);

const add =
  (id: number, name: string | null = `thing ${id}`) =>
  (writer: RowWriter): number =>
    writer.run("INSERT INTO things (id, name, body) VALUES (?, ?, ?)", id, name, BODY);

const idsOf = (database: KeyDatabase): readonly unknown[] =>
  database.rows("SELECT id FROM things ORDER BY id").map((row) => row["id"]);

const raise = (writer: RowWriter): void => {
  const [row] = writer.rows("SELECT name FROM things WHERE id = 1");
  writer.run("UPDATE things SET name = ? WHERE id = 1", String(Number(row?.["name"]) + 1));
};

const fail = (): never => {
  throw new Error("no");
};

const define = (writer: RowWriter): void =>
  writer.define("CREATE TABLE more (id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT;");

/** The suite. `make` gives a place with nothing in it. */
export function keyDatabaseContract(make: () => DatabaseUnderTest): void {
  /** Runs work on a new database, and on the same opened by somebody else. */
  function withTwo(work: (mine: KeyDatabase, theirs: KeyDatabase) => void): void {
    const place = make();
    const mine = place.create(SCHEMA);
    const theirs = place.open();
    try {
      work(mine, theirs);
    } finally {
      theirs.close();
      mine.close();
    }
  }

  test("what was committed is there for everybody, and after opening again", () => {
    const place = make();
    const mine = place.create(SCHEMA);
    expect(mine.commit(add(1))).toBe(1);
    expect(idsOf(mine)).toEqual([1]);
    mine.close();
    const again = place.open();
    expect(again.rows("SELECT * FROM things")).toEqual([{ id: 1, name: "thing 1", body: BODY }]);
    again.close();
  });

  test("values come back as they are: null, empty and large texts, empty and odd bytes, safe integers", () => {
    withTwo((mine) => {
      const values = [
        [Number.MAX_SAFE_INTEGER, null, null],
        [Number.MIN_SAFE_INTEGER, "", new Uint8Array(0)],
        [0, 'what\'s ? and $1, "quoted" ♥', new Uint8Array(100_000).fill(7)],
      ] as const;
      mine.commit((writer) => {
        for (const value of values) writer.run("INSERT INTO things VALUES (?, ?, ?)", ...value);
      });
      const rows = mine.rows("SELECT * FROM things ORDER BY id DESC");
      const wanted = [values[0], values[2], values[1]].map(([id, name, body]) => ({ id, name, body }));
      expect(rows).toEqual(wanted);
    });
  });

  test("a question mark within a quoted text is no parameter", () => {
    withTwo((mine) => {
      mine.commit((writer) => {
        add(1, "?")(writer);
        add(2, "a?b")(writer);
      });
      expect(mine.rows("SELECT id FROM things WHERE name = 'a?b' AND id > ?", 0)).toEqual([{ id: 2 }]);
    });
  });

  test("sums, counts, the largest and lengths are numbers", () => {
    withTwo((mine) => {
      mine.commit(add(3));
      const sql =
        "SELECT COUNT(*) AS n, MAX(id) AS m, COALESCE(MAX(id), ?) AS c, LENGTH(body) AS l FROM things GROUP BY body";
      expect(mine.rows(sql, 9)).toEqual([{ n: 1, m: 3, c: 3, l: 256 }]);
    });
  });

  test("a number of rows changed is told, also of none", () => {
    withTwo((mine) => {
      mine.commit((writer) => {
        for (const id of [1, 2, 3]) add(id)(writer);
        expect(writer.run("UPDATE things SET name = ? WHERE id >= ?", "x", 2)).toBe(2);
        expect(writer.run("DELETE FROM things WHERE id = ?", 99)).toBe(0);
      });
    });
  });

  test("a row without an id is given one that rises", () => {
    withTwo((mine) => {
      mine.commit((writer) => {
        writer.run("INSERT INTO things (name) VALUES (?)", "first");
        writer.run("INSERT INTO things (name) VALUES (?)", "second");
      });
      expect(mine.rows("SELECT name FROM things ORDER BY id")).toEqual([{ name: "first" }, { name: "second" }]);
    });
  });

  test("work that throws changes nothing, its error comes through, and the next one works", () => {
    withTwo((mine, theirs) => {
      const failing = (writer: RowWriter): never => {
        add(1)(writer);
        throw Object.assign(new Error("no"), { code: "MINE" });
      };
      expect(() => mine.commit(failing)).toThrow();
      expect(idsOf(theirs)).toEqual([]);
      expect(theirs.commit(add(2))).toBe(1);
      expect(mine.commit(add(3))).toBe(1);
      expect(idsOf(mine)).toEqual([2, 3]);
    });
  });

  test.each([
    ["a key that is there", (writer: RowWriter) => add(1)(writer) + add(1)(writer)],
    ["a reference to nothing", (writer: RowWriter) => writer.run("INSERT INTO parts VALUES (?)", 77)],
    ["what is no statement", (writer: RowWriter) => writer.run("INSERT nothing")],
  ])("%s is refused as a whole", (_, work) => {
    withTwo((mine) => {
      expect(() => mine.commit(work)).toThrow(expect.objectContaining({ code: "ERR_KEYSTORE_COPY" }));
      expect(idsOf(mine)).toEqual([]);
    });
  });

  test("a transaction sees what others committed before it, also in rows that it has seen change", () => {
    withTwo((mine, theirs) => {
      mine.commit(add(1, "0"));
      for (let i = 0; i < 10; i += 1) (i % 2 === 0 ? mine : theirs).commit(raise);
      expect(mine.rows("SELECT name FROM things")).toEqual([{ name: "10" }]);
    });
  });

  test("the number changes with others' commits, and not with one's own or with failed ones", () => {
    withTwo((mine, theirs) => {
      const before = mine.dataVersion;
      mine.commit(add(1));
      expect(mine.dataVersion).toBe(before);
      expect(() => theirs.commit(fail)).toThrow();
      expect(mine.dataVersion).toBe(before);
      theirs.commit(add(2));
      const after = mine.dataVersion;
      expect(after).not.toBe(before);
      expect(mine.dataVersion).toBe(after);
    });
  });

  test("tables may be made later, within a transaction that may fail", () => {
    withTwo((mine, theirs) => {
      expect(() =>
        mine.commit((writer) => {
          define(writer);
          throw new Error("no");
        }),
      ).toThrow();
      mine.commit(define);
      theirs.commit((writer) => writer.run("INSERT INTO more VALUES (?, ?)", "a", 1_900_000_000_000));
      expect(mine.rows("SELECT * FROM more")).toEqual([{ id: "a", at_ms: 1_900_000_000_000 }]);
    });
  });

  test("a purge keeps what is there", () => {
    withTwo((mine, theirs) => {
      mine.commit(add(1));
      mine.commit((writer) => writer.run("UPDATE things SET body = ?", new Uint8Array(0)));
      mine.purge();
      expect(theirs.rows("SELECT id, body FROM things")).toEqual([{ id: 1, body: new Uint8Array(0) }]);
      theirs.commit(add(2));
      expect(idsOf(mine)).toEqual([1, 2]);
    });
  });

  test("reaches at least one copy", () => {
    withTwo((mine) => expect(mine.copyCount).toBeGreaterThanOrEqual(1));
  });
}
