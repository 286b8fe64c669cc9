/* Which event the tools of sys.monitoring are being told of; included by py312.c and its younger
 * ones. */
#ifndef ELSEWHERE_ENGINE_CPYTHON_TOLD_H
#define ELSEWHERE_ENGINE_CPYTHON_TOLD_H

ElwTold elw_told(PyThreadState *thread) {
    switch (thread->what_event) {
    case PY_MONITORING_EVENT_LINE: return ELW_TOLD_LINE;
    case PY_MONITORING_EVENT_INSTRUCTION: return ELW_TOLD_INSTRUCTION;
    default: return ELW_TOLD_OTHER;
    }
}

static int event_of(ElwTold told) {
    if (told == ELW_TOLD_OTHER) return -1;
    return told == ELW_TOLD_LINE ? PY_MONITORING_EVENT_LINE : PY_MONITORING_EVENT_INSTRUCTION;
}

void elw_set_told(PyThreadState *thread, ElwTold told) { thread->what_event = event_of(told); }

PyObject *elw_only_callback(PyThreadState *thread, ElwTold told) {
    if (told == ELW_TOLD_OTHER || thread->c_tracefunc != NULL) return NULL;
    PyObject *only = NULL;
    for (int tool = 0; tool < PY_MONITORING_SYS_PROFILE_ID; ++tool) {
        PyObject *callback = thread->interp->monitoring_callables[tool][event_of(told)];
        if (callback == NULL) continue;
        if (only != NULL) return NULL;
        only = callback;
    }
    return only;
}

#endif
