"""Reads a table by Python's csv module into a list of records; prints the processor seconds, rows and characters.

read_table.py PATH DELIMITER QUOTED(0|1) HEADER(0|1)
"""

import csv
import gzip
import json
import sys
import time

path, delimiter, quoted, header = sys.argv[1:]
csv.field_size_limit(2**31 - 1)
start = time.process_time()
opened = gzip.open if path.endswith(".gz") else open
with opened(path, "rt", encoding="utf-8", newline="") as file:
    reader = csv.DictReader(
        file,
        fieldnames=None if header == "1" else ["a", "b", "c"],
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quoted == "1" else csv.QUOTE_NONE,
    )
    rows = list(reader)
seconds = time.process_time() - start
characters = sum(len(field.encode("utf-16-le")) // 2 for row in rows for field in row.values() if field is not None)
print(json.dumps({"seconds": seconds, "rows": len(rows), "characters": characters}))
