"""JSON Schemas, written from the specifications: CloudEvents 1.0.2 and CDEvents 0.5 custom events."""

TEXT = {"type": "string", "minLength": 1}

# an attribute: a string, a boolean, or an integer of 32 bits
ATTRIBUTE = {
    "anyOf": [
        {"type": "string"},
        {"type": "boolean"},
        {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    ]
}

CLOUDEVENT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["id", "source", "specversion", "type"],
    "properties": {
        "id": TEXT,
        "source": {**TEXT, "format": "uri-reference"},
        "specversion": {"const": "1.0"},
        "type": TEXT,
        "subject": TEXT,
        "datacontenttype": TEXT,
        "dataschema": {**TEXT, "format": "uri"},
        "time": {"type": "string", "format": "date-time"},
        "data": True,
        "data_base64": {"type": "string", "contentEncoding": "base64"},
    },
    "not": {"required": ["data", "data_base64"]},
    "patternProperties": {"^(?!data$|data_base64$)": ATTRIBUTE},
    "propertyNames": {"pattern": "^([a-z0-9]+|data_base64)$"},
}

CUSTOM = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["context", "subject"],
    "additionalProperties": False,
    "properties": {
        "context": {
            "type": "object",
            "required": ["specversion", "id", "source", "type", "timestamp"],
            "additionalProperties": False,
            "properties": {
                "specversion": {"const": "0.5.0"},
                "id": TEXT,
                "source": {**TEXT, "format": "uri-reference"},
                "type": {
                    "type": "string",
                    "pattern": r"^dev\.cdeventsx\.[a-zA-Z0-9]+-[a-zA-Z]+\.[a-zA-Z]+\.[0-9]\.[0-9]\.[0-9]$",
                },
                "timestamp": {"type": "string", "format": "date-time"},
                "schemaUri": {**TEXT, "format": "uri"},
                "chainId": TEXT,
            },
        },
        "subject": {
            "type": "object",
            "required": ["id", "content"],
            "additionalProperties": False,
            "properties": {
                "id": TEXT,
                "source": {**TEXT, "format": "uri-reference"},
                "content": {"type": "object"},
            },
        },
        "customData": {"type": "object"},
        "customDataContentType": {"const": "application/json"},
    },
}
