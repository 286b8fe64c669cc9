/* Which event the tools of sys.monitoring are being told of; included by py312.c and its younger
 * ones. */
#ifndef ELSEWHERE_ENGINE_CPYTHON_TOLD_H
#define ELSEWHERE_ENGINE_CPYTHON_TOLD_H

static const int events_told[] = {
    [ELW_TOLD_OTHER] = -1,
    [ELW_TOLD_LINE] = PY_MONITORING_EVENT_LINE,
    [ELW_TOLD_INSTRUCTION] = PY_MONITORING_EVENT_INSTRUCTION,
    [ELW_TOLD_START] = PY_MONITORING_EVENT_PY_START,
    [ELW_TOLD_RESUME] = PY_MONITORING_EVENT_PY_RESUME,
    [ELW_TOLD_RETURN] = PY_MONITORING_EVENT_PY_RETURN,
    [ELW_TOLD_RAISE] = PY_MONITORING_EVENT_RAISE,
};

ElwTold elw_told(PyThreadState *thread) {
    for (int told = ELW_TOLD_LINE; told <= ELW_TOLD_RAISE; ++told)
        if (thread->what_event == events_told[told]) return (ElwTold)told;
    return ELW_TOLD_OTHER;
}

void elw_set_told(PyThreadState *thread, ElwTold told) { thread->what_event = events_told[told]; }

PyObject *elw_only_callback(PyThreadState *thread, ElwTold told) {
    if (told == ELW_TOLD_OTHER || thread->c_tracefunc != NULL) return NULL;
    PyObject *only = NULL;
    for (int tool = 0; tool < PY_MONITORING_SYS_PROFILE_ID; ++tool) {
        PyObject *callback = thread->interp->monitoring_callables[tool][events_told[told]];
        if (callback == NULL) continue;
        if (only != NULL) return NULL;
        only = callback;
    }
    return only;
}

#endif
