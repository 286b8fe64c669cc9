/* Object layouts of CPython 3.14. The structs describe what Objects/ and Modules/ of that version
 * declare privately; every row is checked against a live object before it is used. */
#include "engine/cpython/object_rows.h"

#if PY_VERSION_HEX >> 16 != 0x030e
#error "objects_py314.c describes CPython 3.14 only"
#endif

#include "internal/pycore_dict.h"
#include "internal/pycore_interp.h"
#include "internal/pycore_object.h"

#include <stdbool.h>
#include <sys/types.h>

#include "engine/cpython/dict_entries.h"

/* One struct a line, one row a type. */
/* clang-format off */

/* ---- structs: built-in iterators and views ----------------------------------------------- */

typedef struct { PyObject_HEAD Py_ssize_t index; PyObject *sequence; } Indexed;
typedef struct { PyObject_HEAD PyObject *callable; PyObject *sentinel; } CallIterator;
typedef struct { PyObject_HEAD long start; long step; long length; } RangeIterator;
typedef struct { PyObject_HEAD PyObject *start; PyObject *step; PyObject *length; }
    LongRangeIterator;
typedef struct { PyObject_HEAD PyObject *container; Py_ssize_t used; Py_ssize_t position;
    PyObject *result; Py_ssize_t left; } DictIterator;
typedef struct { PyObject_HEAD PyObject *container; Py_ssize_t used; Py_ssize_t position;
    Py_ssize_t left; } SetIterator;
typedef struct { PyObject_HEAD int flavour; PyObject *container; Py_ssize_t used;
    size_t generation; PyObject *current; PyObject *result; } OrderedIterator;
typedef struct { PyDictObject base; void *first; void *last; void **fast_nodes;
    Py_ssize_t fast_size; void *sentinel; size_t generation; PyObject *attributes; PyObject *weak;
    } Ordered;
typedef struct { PyObject_HEAD PyObject *mapping; } View;
typedef struct { PyObject_HEAD PyObject *function; PyObject *source; } Filtering;
typedef struct { PyObject_HEAD PyObject *function; PyObject *object; } CmpKey;
typedef struct { PyObject_HEAD PyObject *sources; PyObject *function; int strict; } Mapping;
typedef struct { PyObject_HEAD Py_ssize_t width; PyObject *sources; PyObject *result; int strict;
    } Zip;
typedef struct { PyObject_HEAD PyObject *strings; PyObject *interpolations; int at_string; }
    TemplateIterator;
typedef struct { PyObject_HEAD Py_ssize_t index; PyObject *source; PyObject *result;
    PyObject *long_index; PyObject *one; } Enumerate;

/* ---- structs: what an await goes through -------------------------------------------------- */

typedef struct { PyObject_HEAD PyObject *generator; PyObject *value; int state; } Sending;
typedef struct { PyObject_HEAD PyObject *generator; PyObject *type; PyObject *traceback;
    PyObject *value; int state; } Throwing;
typedef struct { PyObject_HEAD PyObject *coroutine; } Awaiting;
typedef struct { PyObject_HEAD PyObject *awaitable; PyObject *fallback; } NextOr;

/* ---- structs: type parameters and aliases ------------------------------------------------ */

typedef struct { PyObject_HEAD PyObject *name; PyObject *bound; PyObject *evaluate_bound;
    PyObject *constraints; PyObject *evaluate_constraints; PyObject *default_value;
    PyObject *evaluate_default; bool covariant; bool contravariant; bool infer_variance; } TypeVar;
typedef struct { PyObject_HEAD PyObject *name; PyObject *default_value;
    PyObject *evaluate_default; } TypeVarTuple;
typedef struct { PyObject_HEAD PyObject *name; PyObject *bound; PyObject *default_value;
    PyObject *evaluate_default; bool covariant; bool contravariant; bool infer_variance; }
    ParamSpec;
typedef struct { PyObject_HEAD PyObject *name; PyObject *type_params; PyObject *compute_value;
    PyObject *value; PyObject *module; } TypeAlias;

/* ---- structs: itertools ------------------------------------------------------------------ */

typedef struct { PyObject_HEAD PyObject *total; PyObject *source; PyObject *function;
    PyObject *initial; void *state; } Accumulate;
typedef struct { PyObject_HEAD PyObject *source; Py_ssize_t size; bool strict; } Batched;
typedef struct { PyObject_HEAD PyObject *source; PyObject *active; } Chain;
typedef struct { PyObject_HEAD PyObject *pool; Py_ssize_t *indices; PyObject *result;
    Py_ssize_t length; int stopped; } Combinations;
typedef struct { PyObject_HEAD PyObject *data; PyObject *selectors; } Compress;
typedef struct { PyObject_HEAD Py_ssize_t count; PyObject *long_count; PyObject *long_step; } Count;
typedef struct { PyObject_HEAD PyObject *source; PyObject *saved; Py_ssize_t index; } Cycle;
typedef struct { PyObject_HEAD PyObject *function; PyObject *source; long flag; } While;
typedef struct { PyObject_HEAD PyObject *source; PyObject *key; PyObject *target;
    PyObject *current_key; PyObject *current_value; const void *current_group; void *state; }
    GroupBy;
typedef struct { PyObject_HEAD PyObject *parent; PyObject *target; } Group;
typedef struct { PyObject_HEAD PyObject *source; Py_ssize_t next; Py_ssize_t stop;
    Py_ssize_t step; Py_ssize_t count; } Slice;
typedef struct { PyObject_HEAD PyObject *source; PyObject *old; PyObject *result; } Pairwise;
typedef struct { PyObject_HEAD PyObject *pool; Py_ssize_t *indices; Py_ssize_t *cycles;
    PyObject *result; Py_ssize_t length; int stopped; } Permutations;
typedef struct { PyObject_HEAD PyObject *pools; Py_ssize_t *indices; PyObject *result;
    int stopped; } Product;
typedef struct { PyObject_HEAD PyObject *element; Py_ssize_t count; } Repeat;
typedef struct { PyObject_HEAD PyObject *source; int used; int running; PyObject *next;
    PyObject *values[57]; } TeeData;
typedef struct { PyObject_HEAD PyObject *data; int index; PyObject *weak; void *state; } Tee;
typedef struct { PyObject_HEAD Py_ssize_t width; Py_ssize_t active; PyObject *sources;
    PyObject *result; PyObject *fill; } ZipLongest;

/* ---- structs of which single fields are used --------------------------------------------- */

typedef struct { PyObject_HEAD void *previous; void *next; Py_hash_t hash; PyObject *key;
    PyObject *result; } CacheLink;
typedef struct { CacheLink root; void *wrapper; int typed; PyObject *cache; Py_ssize_t hits;
    PyObject *function; Py_ssize_t limit; Py_ssize_t misses; PyObject *mark; PyObject *link_type;
    PyObject *info_type; PyObject *attributes; PyObject *weak; } Cached;
typedef struct { PyObject_HEAD PyObject *source; PyObject *dialect; PyObject *fields; int state;
    Py_UCS4 *field; Py_ssize_t field_size; Py_ssize_t field_length; int unquoted; unsigned
    long line; } CsvReader;
typedef struct { PyObject_HEAD PyObject *write; PyObject *dialect; Py_UCS4 *record;
    Py_ssize_t record_size; Py_ssize_t record_length; int fields; PyObject *error; } CsvWriter;
typedef struct { PyObject_HEAD void *path; Py_ssize_t depth; Py_ssize_t room; PyObject *root;
    PyObject *tag; int texts; } TreeWalk;
typedef struct { PyObject_HEAD PyObject *local; PyObject *previous; } LocalDecimals;
typedef struct { PyObject_VAR_HEAD PyObject *string; PyObject *regs; PyObject *pattern;
    Py_ssize_t pos; Py_ssize_t endpos; Py_ssize_t lastindex; Py_ssize_t groups;
    Py_ssize_t mark[1]; } Match;
typedef struct { const void *at; const void *beginning; const void *start; const void *end;
    PyObject *string; Py_buffer buffer; Py_ssize_t pos; Py_ssize_t endpos; int isbytes;
    int charsize; int match_all; int must_advance; int debug; int lastmark; int lastindex;
    const void **mark; char *stack; size_t stack_size; size_t stack_base; void *repeat;
    void *pool_used; void *pool_unused; unsigned signals; } Search;
typedef struct { PyObject_HEAD PyObject *pattern; Search search; int executing; } Scanner;
typedef struct { PyObject_HEAD PyObject *args; PyObject *kwargs; PyObject *weak; PyObject *dicts;
    PyObject *watchdogs; } Local;
typedef struct { PyObject_HEAD PyObject *context; PyObject *variable; PyObject *old; int used; }
    Token;
typedef struct { PyObject_HEAD PyObject *raw; int ok; int detached; int readable; int writable;
    char finalizing; int fast_closed_checks; off_t absolute; char *buffer; off_t position;
    off_t raw_position; off_t read_end; off_t write_position; off_t write_end;
    PyThread_type_lock lock; volatile unsigned long owner; Py_ssize_t buffer_size;
    Py_ssize_t buffer_mask; PyObject *attributes; PyObject *weak; } Buffered;
typedef struct { PyObject_HEAD int ok; int detached; Py_ssize_t chunk_size; PyObject *buffer;
    PyObject *encoding; PyObject *encoder; PyObject *decoder; PyObject *readnl; PyObject *errors;
    const char *writenl; char line_buffering; char write_through; char readuniversal;
    char readtranslate; char writetranslate; char seekable; char has_read1; char telling;
    char finalizing; void *encode; char at_start; PyObject *decoded; Py_ssize_t decoded_used;
    PyObject *pending; Py_ssize_t pending_count; PyObject *snapshot; double ratio; PyObject *raw;
    PyObject *weak; PyObject *attributes; void *state; } Text;

/* ---- the table --------------------------------------------------------------------------- */

static const ElwLayout layouts[] = {
    WHOLE("iterator", NULL, Indexed,
        "(lambda i: (next(i), i)[1])(iter(type('S', (), {'__getitem__': lambda s, i: i})()))",
        SSIZE(Indexed, index, 1), OBJECT(Indexed, sequence)),
    WHOLE("list_iterator", NULL, Indexed, "(lambda i: (next(i), i)[1])(iter([1, 2]))",
        SSIZE(Indexed, index, 1), OBJECT(Indexed, sequence)),
    WHOLE("list_reverseiterator", NULL, Indexed,
        "(lambda i: (next(i), i)[1])(reversed([1, 2, 3, 4]))", SSIZE(Indexed, index, 2),
        OBJECT(Indexed, sequence)),
    WHOLE("tuple_iterator", NULL, Indexed, "(lambda i: (next(i), i)[1])(iter((1, 2)))",
        SSIZE(Indexed, index, 1), OBJECT(Indexed, sequence)),
    WHOLE("str_iterator", NULL, Indexed, "(lambda i: (next(i), i)[1])(iter('\\u20ac\\u20ac'))",
        SSIZE(Indexed, index, 1), OBJECT(Indexed, sequence)),
    WHOLE("str_ascii_iterator", NULL, Indexed, "(lambda i: (next(i), i)[1])(iter('ab'))",
        SSIZE(Indexed, index, 1), OBJECT(Indexed, sequence)),
    WHOLE("bytes_iterator", NULL, Indexed, "(lambda i: (next(i), i)[1])(iter(b'ab'))",
        SSIZE(Indexed, index, 1), OBJECT(Indexed, sequence)),
    WHOLE("bytearray_iterator", NULL, Indexed,
        "(lambda i: (next(i), i)[1])(iter(bytearray(b'ab')))", SSIZE(Indexed, index, 1),
        OBJECT(Indexed, sequence)),
    WHOLE("reversed", NULL, Indexed, "(lambda i: (next(i), i)[1])(reversed((1, 2, 3, 4)))",
        SSIZE(Indexed, index, 2), OBJECT(Indexed, sequence)),
    WHOLE("callable_iterator", NULL, CallIterator, "iter(int, 1)", OBJECT(CallIterator, callable),
        OBJECT(CallIterator, sentinel)),
    WHOLE("range_iterator", NULL, RangeIterator,
        "(lambda i: (next(i), i)[1])(iter(range(5, 90, 7)))", LONG(RangeIterator, start, 12),
        LONG(RangeIterator, step, 7), LONG(RangeIterator, length, 12)),
    WHOLE("longrange_iterator", NULL, LongRangeIterator, "iter(range(1 << 70))",
        OBJECT(LongRangeIterator, start), OBJECT(LongRangeIterator, step),
        OBJECT(LongRangeIterator, length)),
    WHOLE("dict_keyiterator", NULL, DictIterator,
        "(lambda i: (next(i), i)[1])(iter({1: 2, 3: 4, 5: 6, 7: 8}.keys()))",
        OBJECT(DictIterator, container), SSIZE(DictIterator, used, 4),
        SSIZE(DictIterator, position, 1), SSIZE(DictIterator, left, 3)),
    WHOLE("dict_valueiterator", NULL, DictIterator,
        "(lambda i: (next(i), i)[1])(iter({1: 2, 3: 4, 5: 6, 7: 8}.values()))",
        OBJECT(DictIterator, container), SSIZE(DictIterator, used, 4),
        SSIZE(DictIterator, position, 1), SSIZE(DictIterator, left, 3)),
    WHOLE("dict_itemiterator", NULL, DictIterator,
        "(lambda i: (next(i), i)[1])(iter({1: 2, 3: 4, 5: 6, 7: 8}.items()))",
        OBJECT(DictIterator, container), SSIZE(DictIterator, used, 4),
        SSIZE(DictIterator, position, 1), SSIZE(DictIterator, left, 3),
        SCRATCH(DictIterator, result)),
    WHOLE("dict_reversekeyiterator", NULL, DictIterator,
        "(lambda i: (next(i), i)[1])(reversed({1: 2, 3: 4, 5: 6, 7: 8}.keys()))",
        OBJECT(DictIterator, container), SSIZE(DictIterator, used, 4),
        SSIZE(DictIterator, position, 2), SSIZE(DictIterator, left, 3)),
    WHOLE("dict_reversevalueiterator", NULL, DictIterator,
        "(lambda i: (next(i), i)[1])(reversed({1: 2, 3: 4, 5: 6, 7: 8}.values()))",
        OBJECT(DictIterator, container), SSIZE(DictIterator, used, 4),
        SSIZE(DictIterator, position, 2), SSIZE(DictIterator, left, 3)),
    WHOLE("dict_reverseitemiterator", NULL, DictIterator,
        "(lambda i: (next(i), i)[1])(reversed({1: 2, 3: 4, 5: 6, 7: 8}.items()))",
        OBJECT(DictIterator, container), SSIZE(DictIterator, used, 4),
        SSIZE(DictIterator, position, 2), SSIZE(DictIterator, left, 3),
        SCRATCH(DictIterator, result)),
    WHOLE("set_iterator", NULL, SetIterator, "(lambda i: (next(i), i)[1])(iter({1, 2, 3}))",
        OBJECT(SetIterator, container), SSIZE(SetIterator, used, 3),
        SSIZE(SetIterator, position, 2), SSIZE(SetIterator, left, 2)),
    WHOLE("odict_iterator", NULL, OrderedIterator, "iter(OrderedDict({1: 2, 3: 4}).items())",
        INT(OrderedIterator, flavour, 6), OBJECT(OrderedIterator, container),
        SSIZE(OrderedIterator, used, 2), SSIZE(OrderedIterator, generation, 2),
        OBJECT(OrderedIterator, current), SCRATCH(OrderedIterator, result)),
    PART("collections.OrderedDict", NULL, Ordered, "OrderedDict({1: 2, 3: 4})",
        SSIZE(Ordered, generation, 2)),
    WHOLE("dict_keys", NULL, View, "{}.keys()", OBJECT(View, mapping)),
    WHOLE("dict_values", NULL, View, "{}.values()", OBJECT(View, mapping)),
    WHOLE("dict_items", NULL, View, "{}.items()", OBJECT(View, mapping)),
    WHOLE("odict_keys", NULL, View, "OrderedDict().keys()", OBJECT(View, mapping)),
    WHOLE("odict_values", NULL, View, "OrderedDict().values()", OBJECT(View, mapping)),
    WHOLE("odict_items", NULL, View, "OrderedDict().items()", OBJECT(View, mapping)),
    WHOLE("mappingproxy", NULL, View, "type.__dict__", REQUIRED(View, mapping)),
    WHOLE("async_generator_asend", NULL, Sending,
        "(lambda n: (exec('async def g(): yield', n), n['g']().asend(None))[1])({})",
        REQUIRED(Sending, generator), OBJECT(Sending, value), INT(Sending, state, 0)),
    WHOLE("async_generator_athrow", NULL, Throwing,
        "(lambda n: (exec('async def g(): yield', n), n['g']().athrow(ValueError))[1])({})",
        REQUIRED(Throwing, generator), OBJECT(Throwing, type), OBJECT(Throwing, traceback),
        OBJECT(Throwing, value), INT(Throwing, state, 0)),
    WHOLE("coroutine_wrapper", NULL, Awaiting,
        "(lambda n: (exec('async def c(): pass\\nx = c()\\nw = x.__await__()\\nx.close()', n), "
        "n['w'])[1])({})", REQUIRED(Awaiting, coroutine)),
    WHOLE("anext_awaitable", NULL, NextOr,
        "(lambda n: (exec('async def g(): yield', n), anext(n['g'](), 1))[1])({})",
        REQUIRED(NextOr, awaitable), REQUIRED(NextOr, fallback)),
    WHOLE("filter", NULL, Filtering, "filter(None, [])", OBJECT(Filtering, function),
        OBJECT(Filtering, source)),
    WHOLE("map", NULL, Mapping, "map(int, [], strict=True)", OBJECT(Mapping, sources),
        OBJECT(Mapping, function), INT(Mapping, strict, 1)),
    WHOLE("zip", NULL, Zip, "zip([1], [2], strict=True)", SSIZE(Zip, width, 2),
        OBJECT(Zip, sources), SCRATCH(Zip, result), INT(Zip, strict, 1)),
    WHOLE("enumerate", NULL, Enumerate, "enumerate([1], 7)", SSIZE(Enumerate, index, 7),
        OBJECT(Enumerate, source), SCRATCH(Enumerate, result), OBJECT(Enumerate, long_index),
        CONSTANT(Enumerate, one)),
    WHOLE("string.templatelib.TemplateIter", NULL, TemplateIterator,
        "(lambda i: (next(i), next(i), i)[2])(iter(t'a{1}'))", OBJECT(TemplateIterator, strings),
        OBJECT(TemplateIterator, interpolations), INT(TemplateIterator, at_string, 1)),
    WHOLE("typing.TypeVar", "_typing", TypeVar,
        "(lambda n: (exec('def f[T: int = int](): pass', n), n['f'].__type_params__[0])[1])({})",
        REQUIRED(TypeVar, name), OBJECT(TypeVar, bound), OBJECT(TypeVar, evaluate_bound),
        OBJECT(TypeVar, constraints), OBJECT(TypeVar, evaluate_constraints),
        OBJECT(TypeVar, default_value), OBJECT(TypeVar, evaluate_default),
        CHAR(TypeVar, covariant, 0), CHAR(TypeVar, contravariant, 0),
        CHAR(TypeVar, infer_variance, 1)),
    WHOLE("typing.TypeVarTuple", "_typing", TypeVarTuple,
        "(lambda n: (exec('def f[*T](): pass', n), n['f'].__type_params__[0])[1])({})",
        REQUIRED(TypeVarTuple, name), OBJECT(TypeVarTuple, default_value),
        OBJECT(TypeVarTuple, evaluate_default)),
    WHOLE("typing.ParamSpec", "_typing", ParamSpec,
        "(lambda n: (exec('def f[**P](): pass', n), n['f'].__type_params__[0])[1])({})",
        REQUIRED(ParamSpec, name), OBJECT(ParamSpec, bound), OBJECT(ParamSpec, default_value),
        OBJECT(ParamSpec, evaluate_default),
        CHAR(ParamSpec, covariant, 0), CHAR(ParamSpec, contravariant, 0),
        CHAR(ParamSpec, infer_variance, 1)),
    WHOLE("typing.TypeAliasType", "_typing", TypeAlias,
        "(lambda n: (exec('type X[T] = int', n), n['X'])[1])({})", REQUIRED(TypeAlias, name),
        OBJECT(TypeAlias, type_params), OBJECT(TypeAlias, compute_value),
        OBJECT(TypeAlias, value), OBJECT(TypeAlias, module)),
    WHOLE("itertools.accumulate", NULL, Accumulate, "accumulate([1, 2], initial=5)",
        OBJECT(Accumulate, total), OBJECT(Accumulate, source), OBJECT(Accumulate, function),
        OBJECT(Accumulate, initial), CONSTANT(Accumulate, state)),
    WHOLE("itertools.batched", NULL, Batched, "batched([1], 3, strict=True)",
        OBJECT(Batched, source), SSIZE(Batched, size, 3), CHAR(Batched, strict, 1)),
    WHOLE("itertools.chain", NULL, Chain, "chain([1], [2])", OBJECT(Chain, source),
        OBJECT(Chain, active)),
    WHOLE("itertools.combinations", NULL, Combinations, "combinations([1, 2, 3], 2)",
        OBJECT(Combinations, pool), SSIZE(Combinations, length, 2),
        INDICES(Combinations, indices, 1), OBJECT(Combinations, result),
        INT(Combinations, stopped, 0)),
    WHOLE("itertools.combinations_with_replacement", NULL, Combinations,
        "combinations_with_replacement([1, 2, 3], 2)", OBJECT(Combinations, pool),
        SSIZE(Combinations, length, 2), INDICES(Combinations, indices, 1),
        OBJECT(Combinations, result), INT(Combinations, stopped, 0)),
    WHOLE("itertools.compress", NULL, Compress, "compress([1], [1])", OBJECT(Compress, data),
        OBJECT(Compress, selectors)),
    WHOLE("itertools.count", NULL, Count, "count(7)", SSIZE(Count, count, 7),
        OBJECT(Count, long_count), OBJECT(Count, long_step)),
    WHOLE("itertools.cycle", NULL, Cycle, "(lambda i: (next(i), i)[1])(cycle([1, 2]))",
        OBJECT(Cycle, source), OBJECT(Cycle, saved), SSIZE(Cycle, index, -1)),
    WHOLE("itertools.dropwhile", NULL, While,
        "(lambda i: (next(i), i)[1])(dropwhile(bool, [0, 1]))", OBJECT(While, function),
        OBJECT(While, source), LONG(While, flag, 1)),
    WHOLE("itertools.takewhile", NULL, While,
        "(lambda i: (next(i, 0), i)[1])(takewhile(bool, [0, 1]))", OBJECT(While, function),
        OBJECT(While, source), LONG(While, flag, 1)),
    WHOLE("itertools.filterfalse", NULL, Filtering, "filterfalse(None, [1])",
        OBJECT(Filtering, function), OBJECT(Filtering, source)),
    WHOLE("itertools.starmap", NULL, Filtering, "starmap(int, [])", OBJECT(Filtering, function),
        OBJECT(Filtering, source)),
    WHOLE("itertools.groupby", NULL, GroupBy, "groupby([1], int)", OBJECT(GroupBy, source),
        OBJECT(GroupBy, key), OBJECT(GroupBy, target), OBJECT(GroupBy, current_key),
        OBJECT(GroupBy, current_value), CONSTANT(GroupBy, state)),
    WHOLE("itertools._grouper", NULL, Group, "next(groupby([1]))[1]", REQUIRED(Group, parent),
        REQUIRED(Group, target), BACKLINK(GroupBy, current_group)),
    WHOLE("itertools.islice", NULL, Slice, "islice([1, 2, 3], 1, 9, 3)", OBJECT(Slice, source),
        SSIZE(Slice, next, 1), SSIZE(Slice, stop, 9), SSIZE(Slice, step, 3),
        SSIZE(Slice, count, 0)),
    WHOLE("itertools.pairwise", NULL, Pairwise,
        "(lambda i: (next(i), i)[1])(pairwise([1, 2, 3]))", OBJECT(Pairwise, source),
        OBJECT(Pairwise, old), SCRATCH(Pairwise, result)),
    WHOLE("itertools.permutations", NULL, Permutations, "permutations([1, 2, 3], 2)",
        OBJECT(Permutations, pool), SSIZE(Permutations, length, 2),
        INDICES(Permutations, indices, 0), INDICES(Permutations, cycles, 1),
        OBJECT(Permutations, result), INT(Permutations, stopped, 0)),
    WHOLE("itertools.product", NULL, Product, "(lambda i: (next(i), i)[1])(product([1, 2], [3]))",
        OBJECT(Product, pools), INDICES(Product, indices, 0), OBJECT(Product, result),
        INT(Product, stopped, 0)),
    WHOLE("itertools.repeat", NULL, Repeat, "repeat(1, 5)", OBJECT(Repeat, element),
        SSIZE(Repeat, count, 5)),
    WHOLE("itertools._tee_dataobject", NULL, TeeData, "_tee_dataobject(iter([]), [1, 2], None)",
        OBJECT(TeeData, source), OBJECT(TeeData, next), INT(TeeData, running, 0),
        INT(TeeData, used, 2), OBJECTS(TeeData, values)),
    WHOLE("itertools._tee", NULL, Tee, "(lambda i: (next(i), i)[1])(tee([1, 2])[0])",
        OBJECT(Tee, data), INT(Tee, index, 1), CONSTANT(Tee, state)),
    WHOLE("itertools.zip_longest", NULL, ZipLongest, "zip_longest([1], [2], [3])",
        SSIZE(ZipLongest, width, 3), SSIZE(ZipLongest, active, 3), SPARSE(ZipLongest, sources),
        SCRATCH(ZipLongest, result), OBJECT(ZipLongest, fill)),
    WHOLE("functools.KeyWrapper", "functools", CmpKey, "cmp_to_key(len)([])",
        OBJECT(CmpKey, function), OBJECT(CmpKey, object)),
    PART("functools._lru_cache_wrapper", "functools", Cached,
        "(lambda f: (f('a'), f('a'), f('b'), f('c'), f)[-1])(lru_cache(9, True)(len))",
        POINTER(Cached, root.previous), POINTER(Cached, root.next), INT(Cached, typed, 1),
        OBJECT(Cached, cache), SSIZE(Cached, hits, 1), OBJECT(Cached, function),
        SSIZE(Cached, limit, 9), SSIZE(Cached, misses, 3),
        OBJECT(Cached, info_type)),
    PART("functools._lru_list_elem", "functools", CacheLink,
        "(lambda f: (f('a'), f('b'), f)[-1])(lru_cache(9)(len))", POINTER(CacheLink, previous),
        POINTER(CacheLink, next), SSIZE(CacheLink, hash, 0), OBJECT(CacheLink, key),
        OBJECT(CacheLink, result)),
    PART("_csv.reader", "_csv", CsvReader, "(lambda i: (next(i), i)[1])(reader(['a\\n', 'b']))",
        OBJECT(CsvReader, source), OBJECT(CsvReader, dialect), INT(CsvReader, state, 0),
        SSIZE(CsvReader, field_length, 0), SSIZE(CsvReader, line, 1)),
    PART("_csv.writer", "_csv", CsvWriter, "writer(type('W', (), {'write': print}))",
        OBJECT(CsvWriter, write), OBJECT(CsvWriter, dialect), SSIZE(CsvWriter, record_length, 0)),
    PART("_elementtree._element_iterator", "_elementtree", TreeWalk,
        "(lambda i: (next(i), i)[1])(Element('a').iter())", POINTER(TreeWalk, path),
        SSIZE(TreeWalk, depth, 1), SSIZE(TreeWalk, room, 8), OBJECT(TreeWalk, root),
        OBJECT(TreeWalk, tag), INT(TreeWalk, texts, 0)),
    PART("decimal.ContextManager", "_decimal", LocalDecimals, "localcontext()",
        OBJECT(LocalDecimals, local), OBJECT(LocalDecimals, previous)),
    PART("re.Match", "re", Match, "compile('a(b)(c)?').match('zab', 1)", OBJECT(Match, string),
        OBJECT(Match, regs), OBJECT(Match, pattern), SSIZE(Match, pos, 1), SSIZE(Match, endpos, 3),
        SSIZE(Match, lastindex, 1), SSIZE(Match, groups, 3), SSIZE(Match, mark, 1)),
    PART("_sre.SRE_Scanner", "re", Scanner,
        "(lambda s: (s.search(), s)[1])(compile('').scanner('abcb', 1, 3))",
        OBJECT(Scanner, pattern), POINTER_IN(Scanner, search, beginning),
        POINTER_IN(Scanner, search, start), POINTER_IN(Scanner, search, string),
        SSIZE_IN(Scanner, search, pos, 1), SSIZE_IN(Scanner, search, endpos, 3),
        INT_IN(Scanner, search, charsize, 1), INT_IN(Scanner, search, must_advance, 1),
        INT(Scanner, executing, 0)),
    PART("_thread._local", "_thread", Local, "_local()", OBJECT(Local, args),
        OBJECT(Local, kwargs)),
    PART("_contextvars.Token", "_contextvars", Token, "ContextVar('x').set(1)",
        OBJECT(Token, context), OBJECT(Token, variable), OBJECT(Token, old), INT(Token, used, 0)),
    PART("_io.BufferedReader", "_io", Buffered,
        "(lambda b: (b.read(3), b)[1])(BufferedReader(BytesIO(b'abcdefgh'), 64))",
        OBJECT(Buffered, raw), INT(Buffered, ok, 1), INT(Buffered, detached, 0),
        OFFSET(Buffered, absolute, 8), POINTER(Buffered, buffer), OFFSET(Buffered, position, 3),
        OFFSET(Buffered, raw_position, 8), OFFSET(Buffered, read_end, 8),
        OFFSET(Buffered, write_end, 0), SSIZE(Buffered, buffer_size, 64)),
    PART("_io.BufferedWriter", "_io", Buffered, "BufferedWriter(BytesIO(), 64)",
        OBJECT(Buffered, raw), INT(Buffered, ok, 1), INT(Buffered, detached, 0),
        OFFSET(Buffered, absolute, 0), POINTER(Buffered, buffer), OFFSET(Buffered, position, 0),
        OFFSET(Buffered, raw_position, 0), OFFSET(Buffered, read_end, 0),
        OFFSET(Buffered, write_end, -1), SSIZE(Buffered, buffer_size, 64)),
    PART("_io.BufferedRandom", "_io", Buffered,
        "(lambda b: (b.read(3), b)[1])(BufferedRandom(BytesIO(b'abcdefgh'), 64))",
        OBJECT(Buffered, raw), INT(Buffered, ok, 1), INT(Buffered, detached, 0),
        OFFSET(Buffered, absolute, 8), POINTER(Buffered, buffer), OFFSET(Buffered, position, 3),
        OFFSET(Buffered, raw_position, 8), OFFSET(Buffered, read_end, 8),
        OFFSET(Buffered, write_end, -1), SSIZE(Buffered, buffer_size, 64)),
    PART("_io.TextIOWrapper", "_io", Text,
        "(lambda t: (t.read(1), t)[1])(TextIOWrapper(BytesIO(b'abc'), 'utf-8'))",
        INT(Text, detached, 0), SSIZE(Text, chunk_size, 8192), OBJECT(Text, buffer),
        OBJECT(Text, encoder), OBJECT(Text, decoder), OBJECT(Text, readnl),
        CHAR(Text, telling, 1), CHAR(Text, at_start, 1), OBJECT(Text, decoded),
        SSIZE(Text, decoded_used, 1), OBJECT(Text, snapshot)),
    {NULL, NULL, NULL, 0, 0, {{NULL, elw_end, 0, 0, 0}}},
};

/* clang-format on */

const ElwLayout *elw_layouts(void) { return layouts; }

/* ---- atexit ------------------------------------------------------------------------------ */

PyObject *elw_atexit_callbacks(void) {
    PyObject *newest_first = PyInterpreterState_Get()->atexit.callbacks;
    PyObject *list = PySequence_List(newest_first);
    if (list != NULL && PyList_Reverse(list) < 0) Py_CLEAR(list);
    return list;
}

/* The one thing without a probe: the callbacks that the interpreter counts are those found. */
const char *elw_objects_self_test(void) {
    const char *failure = "atexit: not the callbacks that atexit counts";
    PyObject *callbacks = PyInterpreterState_Get()->atexit.callbacks;
    PyObject *module = PyImport_ImportModule("atexit");
    PyObject *count = module ? PyObject_CallMethod(module, "_ncallbacks", NULL) : NULL;
    if (count != NULL && callbacks != NULL && PyList_CheckExact(callbacks) &&
        PyLong_AsLong(count) == PyList_GET_SIZE(callbacks))
        failure = NULL;
    Py_XDECREF(count);
    Py_XDECREF(module);
    PyErr_Clear();
    return failure;
}

/* Those of the static builtin types belong to the interpreter. */
PyObject *elw_type_dict(PyTypeObject *type) {
    PyObject *dict = PyType_GetDict(type);
    Py_XDECREF(dict); /* the type or the interpreter keeps it */
    return dict;
}

PyObject *elw_function_annotations(PyObject *function) {
    return ((PyFunctionObject *)function)->func_annotations;
}

PyObject *elw_function_annotate(PyObject *function) {
    return ((PyFunctionObject *)function)->func_annotate;
}

int elw_set_function_annotations(PyObject *function, PyObject *annotations, PyObject *annotate) {
    PyFunctionObject *f = (PyFunctionObject *)function;
    Py_XSETREF(f->func_annotations, Py_XNewRef(annotations));
    Py_XSETREF(f->func_annotate, Py_XNewRef(annotate));
    return 0;
}

PyTypeObject *elw_exception_group(void) { return (PyTypeObject *)PyExc_BaseExceptionGroup; }
PyObject *elw_type_qualname(PyTypeObject *type) { return PyType_GetQualName(type); }
PyObject **elw_values(PyObject *owner, Py_ssize_t *count) {
    if (PyDict_Check(owner)) {
        PyDictValues *shared = ((PyDictObject *)owner)->ma_values;
        if (shared == NULL) return NULL;
        *count = shared->capacity;
        return shared->values;
    }
    if (!PyType_HasFeature(Py_TYPE(owner), Py_TPFLAGS_INLINE_VALUES)) return NULL;
    PyDictValues *values = _PyObject_InlineValues(owner);
    *count = values->capacity;
    return values->values;
}

bool elw_instances_have_dict(PyTypeObject *type) {
    return type->tp_dictoffset != 0 || (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) != 0;
}
