/* The comparison: an extension module written by hand with METH_NOARGS, METH_O and METH_FASTCALL. No generation can be
 * replaced under it; this is the floor that a call of a plugin is measured against. */
#include "plain_numbers.h"
#include "work.h"

static PyObject *add(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    int64_t a, b;
    (void)module;
    if (!takes("add", count, 2) || !take_i64(args[0], &a) || !take_i64(args[1], &b)) {
        return NULL;
    }
    return PyLong_FromLongLong(work_add(NULL, a, b));
}

static PyObject *gain(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    Py_buffer in, out;
    int64_t n;
    PyObject *result = NULL;
    (void)module;
    if (!takes("gain", count, 3) || !take_floats(args[0], 0, &in)) {
        return NULL;
    }
    if (take_floats(args[1], 1, &out)) {
        if (take_i64(args[2], &n) && is_long_enough(&in, n) && is_long_enough(&out, n)) {
            result = done_or_raise(work_gain(NULL, in.buf, out.buf, (uint64_t)n));
        }
        PyBuffer_Release(&out);
    }
    PyBuffer_Release(&in);
    return result;
}

static PyObject *ping(PyObject *module, PyObject *none) {
    (void)module;
    (void)none;
    return PyLong_FromLongLong(work_ping(NULL));
}

static PyObject *next(PyObject *module, PyObject *argument) {
    int64_t a;
    (void)module;
    return take_i64(argument, &a) ? PyLong_FromLongLong(work_next(NULL, a)) : NULL;
}

static PyObject *pack(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    int64_t a, b, c;
    (void)module;
    if (!takes("pack", count, 3) || !take_within(args[0], 0, UINT8_MAX, &a) ||
        !take_within(args[1], INT16_MIN, INT16_MAX, &b) || !take_within(args[2], 0, UINT32_MAX, &c)) {
        return NULL;
    }
    return PyLong_FromUnsignedLong(work_pack(NULL, (uint8_t)a, (int16_t)b, (uint32_t)c));
}

static PyObject *mix(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    double a, b, c;
    (void)module;
    if (!takes("mix", count, 3) || !take_f64(args[0], &a) || !take_f64(args[1], &b) || !take_f64(args[2], &c)) {
        return NULL;
    }
    return PyFloat_FromDouble(work_mix(NULL, a, b, c));
}

static PyObject *lerp(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    double a, b, t;
    (void)module;
    if (!takes("lerp", count, 3) || !take_f64(args[0], &a) || !take_f64(args[1], &b) || !take_f64(args[2], &t)) {
        return NULL;
    }
    return PyFloat_FromDouble((double)work_lerp(NULL, (float)a, (float)b, (float)t));
}

static PyObject *blend(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    int64_t a, c;
    double b;
    (void)module;
    if (!takes("blend", count, 3) || !take_i64(args[0], &a) || !take_f64(args[1], &b) ||
        !take_within(args[2], INT32_MIN, INT32_MAX, &c)) {
        return NULL;
    }
    return PyFloat_FromDouble(work_blend(NULL, a, b, (int32_t)c));
}

static PyObject *six(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    int64_t a, b, c, d, e, f;
    (void)module;
    if (!takes("six", count, 6) || !take_i64(args[0], &a) || !take_i64(args[1], &b) || !take_i64(args[2], &c) ||
        !take_i64(args[3], &d) || !take_i64(args[4], &e) || !take_i64(args[5], &f)) {
        return NULL;
    }
    return PyLong_FromLongLong(work_six(NULL, a, b, c, d, e, f));
}

static PyObject *twenty(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    int64_t i[10];
    double r[10];
    (void)module;
    if (!takes("twenty", count, 20)) {
        return NULL;
    }
    for (int at = 0; at < 10; ++at) {
        if (!take_i64(args[at], &i[at]) || !take_f64(args[10 + at], &r[at])) {
            return NULL;
        }
    }
    return PyFloat_FromDouble(work_twenty(NULL, i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7], i[8], i[9], r[0], r[1],
                                          r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9]));
}

static PyObject *set(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    int64_t channel;
    double value;
    (void)module;
    if (!takes("set", count, 2) || !take_within(args[0], 0, UINT32_MAX, &channel) || !take_f64(args[1], &value)) {
        return NULL;
    }
    return done_or_raise(work_set(NULL, (uint32_t)channel, value));
}

static PyObject *amplify(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    Py_buffer samples;
    double factor;
    int64_t n;
    PyObject *result = NULL;
    (void)module;
    if (!takes("amplify", count, 3) || !take_f64(args[0], &factor) || !take_floats(args[1], 1, &samples)) {
        return NULL;
    }
    if (take_i64(args[2], &n) && is_long_enough(&samples, n)) {
        result = done_or_raise(work_amplify(NULL, factor, samples.buf, (uint64_t)n));
    }
    PyBuffer_Release(&samples);
    return result;
}

static PyObject *label(PyObject *module, PyObject *none) {
    (void)module;
    (void)none;
    return PyUnicode_FromString(work_label(NULL));
}

static PyObject *rest(PyObject *module, PyObject *argument) {
    int64_t a;
    int64_t answer;
    (void)module;
    if (!take_i64(argument, &a)) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS;
    answer = work_rest(NULL, a);
    Py_END_ALLOW_THREADS;
    return PyLong_FromLongLong(answer);
}

/* The caller owns what comes back, as with HOTGRAFT_OWNED: copied, then freed. */
static PyObject *made(PyObject *module, PyObject *argument) {
    int64_t a;
    int64_t *one;
    PyObject *result;
    (void)module;
    if (!take_i64(argument, &a)) {
        return NULL;
    }
    one = malloc(sizeof *one);
    if (one == NULL) {
        return PyErr_NoMemory();
    }
    *one = a;
    result = PyBytes_FromStringAndSize((const char *)one, sizeof *one);
    free(one);
    return result;
}

/* A view that nothing keeps alive: what an author can afford whose library is never unloaded. */
static PyObject *window(PyObject *module, PyObject *none) {
    uint64_t n;
    const float *samples = work_window(NULL, &n);
    (void)module;
    (void)none;
    return PyMemoryView_FromMemory((char *)samples, (Py_ssize_t)(n * sizeof(float)), PyBUF_READ);
}

#define FAST(name)                                                                                                     \
    { #name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, NULL }

static PyMethodDef methods[] = {
    FAST(add),
    FAST(gain),
    FAST(pack),
    FAST(mix),
    FAST(lerp),
    FAST(blend),
    FAST(six),
    FAST(twenty),
    FAST(set),
    FAST(amplify),
    {"ping", ping, METH_NOARGS, NULL},
    {"next", next, METH_O, NULL},
    {"label", label, METH_NOARGS, NULL},
    {"rest", rest, METH_O, NULL},
    {"made", made, METH_O, NULL},
    {"window", window, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "plain_module", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_plain_module(void) {
    return PyModule_Create(&definition);
}
