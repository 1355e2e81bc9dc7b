"""A program that puts a row every few milliseconds, until it is killed: `python usage_writer.py DATABASE`.

For each row it prints the id of the call, and when it was put, on the clock of `time.monotonic`.
"""

import sys
import time

from modelwire_service.call_record import CallRecord
from modelwire_service.storage.storage import Storage
from modelwire_service.usage.recorder import UsageRecorder
from modelwire_service.usage.rows import row_of


def main(database: str) -> None:
    storage = Storage(database)
    storage.usage()
    recorder = UsageRecorder(storage.usage)
    recorder.start()
    number = 0
    while True:
        recorder.put(row_of(CallRecord(f"req_{number}", "/a.B/C"), "OK"))
        sys.stdout.write(f"req_{number} {time.monotonic()}\n")
        sys.stdout.flush()
        number += 1
        time.sleep(0.003)


if __name__ == "__main__":
    main(sys.argv[1])
