"""Known differences in which method a path leads to, and what the path and the query bind."""

from side_by_side.known_differences import Known, Sign, lenient

_SEEN = "call|message|body"

ROUTING = (
    Known(
        "Slash at the end of a path",
        "dropped: `/literal/` is `/literal`",
        "404; inside `**` it is data",
        "Two paths are two resources; a cache or an access rule in front compares them as text.",
        (
            Sign(statuses=(200, 404), target=r"/$"),
            Sign(_SEEN, target=r"./(:read)?$"),
        ),
    ),
    Known(
        "Empty segment in a path",
        "taken by `*`, as an empty value",
        "404",
        "An empty part of a name is a mistake of the caller's, and should show.",
        (Sign(statuses=(200, 404), target=r"//.*[^/]$"),),
    ),
    Known(
        "Text after a colon that is a verb elsewhere",
        "always the verb: `/files/x:act` is 404, because another template ends in `:act`",
        "the verb where a template has it there, else part of the value",
        "Otherwise a route added somewhere breaks ids elsewhere.",
        (Sign(statuses=(404, 200), target=r":(act|read|move)$"),),
    ),
    Known(
        "Percent-encoded letters where the template has a literal",
        "compared as they are: `/liter%61l` is 404",
        "decoded first",
        "RFC 3986, 6.2.2.2: both are one path.",
        (
            Sign(statuses=(404, 200), target=r"^/(liter%61l|m/shelv%65s|tail/a/en%64)"),
            Sign(_SEEN, target=r"^/(pick/exac%74|v/x:ac%74)$"),
        ),
    ),
    Known(
        "`**` before a literal that takes nothing",
        "404: `/tail/{a_string=**}/end` is not `/tail/end`",
        "bound to the empty text",
        "google/api/http.proto: `**` stands for zero or more segments.",
        (Sign(statuses=(404, 200), target=r"^/tail/end$"),),
    ),
    Known(
        "Path known, method not",
        "404",
        "405 with `Allow`",
        "RFC 9110, 15.5.6.",
        (Sign(statuses=(404, 405)),),
    ),
    Known(
        "HEAD bound by a rule of its own",
        "the body is sent",
        "no body",
        "RFC 9110, 9.3.2: a body after HEAD is taken for the next answer.",
        (Sign("end|body", method="HEAD"),),
    ),
    Known(
        "Malformed percent-encoding, in path or query",
        "kept as text",
        "400",
        "Behind it is a broken client, or somebody who looks for a second decoding.",
        lenient((r"%(?![0-9A-Fa-f]{2})", "")),
    ),
    Known(
        "Path or query that is not UTF-8",
        "sent to the service as it is, which breaks there or on the way back (502)",
        "400",
        "A proto3 string is UTF-8; no service should get one that its runtime cannot parse.",
        (Sign(statuses=(502, 400), target=r"%FF|%C3($|/|%28)|%ED%A0"),),
    ),
    Known(
        "Query key for what the path binds, in either spelling, or for another member of its oneof",
        "the query wins; of a oneof 400",
        "the path wins",
        "Access rules are about paths: a query must not turn `/v/mine` into `/v/yours`.",
        (
            Sign(_SEEN, target=r"^/(v|deep|int32|time|raw-field)/[^?]+\?(aS|a_s|node.next.name|an_|time|name)"),
            Sign(_SEEN, target=r"^/body/node-bound/p\?node.name="),
            Sign(statuses=(400, 200), target=r"^/left/x\?"),
        ),
    ),
    Known(
        'Query where the rule has `body: "*"`',
        "bound, over the body",
        "400",
        "google/api/http.proto: with `*` there are no query parameters.",
        lenient((r"^/(body/all|raw)\?(maybe|a_string|content_type)=", "")),
    ),
    Known(
        "Query key for what the body binds",
        "bound beside the body; 400 where both have the field",
        "the body wins",
        "google/api/http.proto: the query has the fields that neither path nor body bind.",
        (
            Sign(_SEEN, target=r"^/body/(node\?node|numbers\?)"),
            Sign(statuses=(400, 200), target=r"^/body/(node\?node|string\?a_string)"),
        ),
    ),
    Known(
        "Body that has what the path binds",
        "400 where they differ",
        "the path wins",
        "google/api/http.proto: with `*` the body has the fields that the path does not bind.",
        (Sign(statuses=(400, 200), target=r"^/body/(bound|node-bound)/p$", body=r'"(a_string|aString|name)"'),),
    ),
    Known(
        "Singular field given twice in a query",
        "the last counts",
        "400",
        "Proxies and services that pick different ones can be played against each other.",
        lenient((r"\?([\w.]+)=\w+&(\1|aString)=", "")),
    ),
    Known(
        "Query key without `=`, or without a name",
        "passed over",
        "a key without `=` has the empty value, so `?nope` is an unknown field; a pair without a name is 400",
        "So forms are decoded; and nothing is dropped silently.",
        lenient((r"\?(=.*|nope)$", "")),
    ),
    Known(
        "Percent-encoded query key",
        "compared as it is, so it names no field",
        "decoded",
        "So forms are decoded.",
        (Sign(statuses=(400, 200), target=r"\?\w+%"),),
    ),
    Known(
        "Google's system parameters: `alt`, `$alt`, `key`, `prettyPrint`, `quotaUser`",
        "unknown fields, 400; or, with `ignored_query_parameters`, nothing",
        "served",
        "Google's clients send them.",
        (Sign(statuses=(400, 200), target=r"\?(\$?alt=json|\$?key|prettyPrint|quotaUser)"),),
    ),
    Known(
        "Field of a repeated message in a query",
        "an element: `?nodes.name=1` makes one",
        "400",
        "google/api/http.proto: a repeated message is no query parameter.",
        lenient((r"\?nodes\.name=", "")),
    ),
    Known(
        "Inner fields of a Timestamp, a wrapper or a FieldMask in a query",
        "bound: `?time.seconds=5`",
        "400; the field takes the text of its JSON form: `?time=1970-01-01T00:00:05Z`",
        "proto3 JSON knows these messages as one value.",
        lenient((r"\?\w+\.(seconds|value|paths)=", "")),
    ),
    Known(
        "Struct, ListValue and Value in a query",
        "Struct and ListValue refused; any text is a Value, a string",
        "all three as JSON text: `?value=5` is a number",
        "Otherwise no number, object or list can be said.",
        (
            Sign(statuses=(400, 200), target=r"\?(struct|list)="),
            Sign("message|body", target=r"\?value="),
            Sign(statuses=(200, 400), target=r"\?value=x"),
        ),
    ),
)
