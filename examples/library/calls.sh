#!/bin/sh
# Every method of library.proto over HTTP, by way of `modelwire gateway --target 127.0.0.1:50052`.
set -eu
url=${MODELWIRE_URL:-http://127.0.0.1:8080}

curl -sS -X PUT "$url/v1/shelves/1/books/emma" -H 'Content-Type: application/json' -d '{"title": "Emma", "pages": 474}'
echo
printf '%s\n' '{"name": "shelves/1/books/persuasion", "title": "Persuasion", "pages": 249}' \
              '{"name": "shelves/2/books/ulysses", "title": "Ulysses", "pages": 732}' |
  curl -sS "$url/v1/books:import" -H 'Content-Type: application/x-ndjson' --data-binary @-
echo
curl -sS "$url/v1/shelves/1/books/emma"
echo
curl -sS "$url/v1/shelves/1/books?minPages=300"                                   # a JSON array
echo
curl -sS "$url/v1/shelves/1/books" -H 'Accept: application/x-ndjson'              # one a line
curl -sS "$url/v1/shelves/1/books" -H 'Accept: text/event-stream'                 # server-sent events
curl -sS "$url/v1/shelves/1/books/emma:print"
curl -sS -X DELETE "$url/v1/shelves/1/books/emma"
echo
curl -sS "$url/v1/shelves/1/books/emma"                                           # an error
echo
