"""The grammar of `$filter`; what each of its parts means is in `odata`.

It is wider than what a filter may contain: a comparison of two columns or of two values is
refused by its meaning, with its own reason at its own place, and not as an error of syntax.
Whitespace belongs to the terminals, as in OData: it must surround an operator, it may surround
a comma and be inside of parentheses, and it is nowhere else.
"""

from __future__ import annotations

GRAMMAR = r"""
whole: _any

_any: disjunction | _all
disjunction: _any _OR _all
_all: conjunction | _comparison
conjunction: _all _AND _comparison
_comparison: comparison | _unary
comparison: _comparison OPERATOR _unary
_unary: negation | _member
negation: NOT _unary
_member: membership | _atom
membership: _atom _IN values
_atom: _LPAR _any _RPAR | sequence | column | call | literal

sequence: _LPAR _one _RPAR | _LPAR _several _RPAR
values: _LPAR _any _RPAR | _LPAR _one _RPAR | _LPAR _several _RPAR
_one: _any _COMMA
_several: _any _COMMA _any | _several _COMMA _any
call: path _LPAR _RPAR | path _LPAR _any _RPAR | path _LPAR _one _RPAR | path _LPAR _several _RPAR
column: path
literal: TEXT | GUID | MOMENT | DAY | DECIMAL | INTEGER | BOOLEAN | NULL | UNSUPPORTED
path: NAME | path "/" NAME
    | QUOTED | path "/" QUOTED

TEXT.29: /'(?:[^']|'')*'/
GUID.28: /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/i
MOMENT.27: _DATE "T"i _CLOCK _SECONDS? _OFFSET?
DAY.26: _DATE
UNSUPPORTED.25: /(?:duration|geography)'[^']*'/i
    | _CLOCK
    | /(?:any|all)(?![\w.])/i
    | /\s+(?:add|sub|mul|div|mod)\s+/i
    | /-(?!\d)/ | ":" | /\s*=/
DECIMAL.24: /[+-]?\d+(?:\.\d+(?:e[-+]?\d+)?|e[-+]?\d+)/i
INTEGER.23: /[+-]?\d+/
BOOLEAN.22: /(?:true|false)(?![\w.])/i
NULL.21: /null(?![\w.])/i
_AND.20: /\s+and\s+/i
_OR.19: /\s+or\s+/i
NOT.18: /not\s+/i
OPERATOR.17: /\s+(?:eq|ne|lt|le|gt|ge)\s+/i
_IN.16: /\s+in\s+/i
NAME.15: /[_a-z](?:\.?\w){0,127}/i
QUOTED.15: /"(?:[^"]|"")+"/
_LPAR.14: /\(\s*/
_RPAR.13: /\s*\)/
_COMMA.12: /\s*,\s*/

_DATE: /[1-9]\d{3}-(?:0\d|1[0-2])-(?:[0-2]\d|3[01])/
_CLOCK: /(?:[01]\d|2[0-3]):[0-5]\d/
_SECONDS: /:[0-5]\d(?:\.\d{1,12})?/
_OFFSET: /Z|[+-](?:[01]\d|2[0-3]):[0-5]\d/i
"""
