/* elw_taker from 3.11 on; included by py311.c and its younger ones, which say
 *   ELW_TUPLE_CALL     the instruction that has become tuple(x)'s own
 *   taker_opcode(...)  what the instruction at a unit is, whatever tools have put in its place
 */
#ifndef ELSEWHERE_ENGINE_CPYTHON_TAKER_H
#define ELSEWHERE_ENGINE_CPYTHON_TAKER_H

static int taker_opcode(ElwFrame *frame, const _Py_CODEUNIT *unit);
static int oparg_of(const _Py_CODEUNIT *unit);

/* A specialised instruction that meets something else does as the plain one, under its own name. */
static ElwFrame *taker_at(ElwFrame *frame, const _Py_CODEUNIT *unit, int *most) {
    switch (taker_opcode(frame, unit)) {
    case UNPACK_SEQUENCE:
#ifdef UNPACK_SEQUENCE_ADAPTIVE
    case UNPACK_SEQUENCE_ADAPTIVE:
#endif
    case UNPACK_SEQUENCE_LIST:
    case UNPACK_SEQUENCE_TUPLE:
    case UNPACK_SEQUENCE_TWO_TUPLE:
        if (taker_opcode(frame, unit - 1) == EXTENDED_ARG) return NULL; /* more than 255 */
        *most = oparg_of(unit) + 1;
        return frame;
    case UNPACK_EX:
    case ELW_TUPLE_CALL:
    case CALL_FUNCTION_EX:
#ifdef CALL_EX_PY
    case CALL_EX_PY:
    case CALL_EX_NON_PY_GENERAL:
#endif
#ifdef INSTRUMENTED_CALL_FUNCTION_EX
    case INSTRUMENTED_CALL_FUNCTION_EX:
#endif
        *most = 0;
        return frame;
    default: return NULL;
    }
}

#endif
