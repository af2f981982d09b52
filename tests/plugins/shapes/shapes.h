/* Interface shapes/1.0: one of each kind of type that crosses. Of C11 and of C++. */
#ifndef SHAPES_H
#define SHAPES_H

#include <hotgraft/hotgraft.h>

#define SHAPES_ROWS    2
#define SHAPES_COLUMNS (SHAPES_ROWS << 1)

typedef float shapes_real;
typedef struct shapes_point {
    shapes_real x, y;
} shapes_point;
typedef enum shapes_kind { SHAPES_NONE = -1, SHAPES_NUMBER, SHAPES_POINT = 4 } shapes_kind;
typedef union shapes_value {
    int64_t number;
    shapes_point point;
} shapes_value;
typedef struct shapes_grid {
    int32_t cells[SHAPES_ROWS][SHAPES_COLUMNS];
    shapes_kind kind;
    uint32_t reserved;
    shapes_value value;
} shapes_grid;

/* Called with what was passed for it; what it answers ends the visit unless it is 0. */
typedef int32_t (*shapes_visit)(void *user, shapes_kind kind, const shapes_value *value);

typedef struct shapes_v1 {
    uint32_t struct_size;

    /* The kind that comes after `kind`. [call] */
    shapes_kind (*next)(void *self, shapes_kind kind);
    /* The sum of the cells, as the value; of another kind than SHAPES_NUMBER: HOTGRAFT_E_INVALID. [call] */
    hotgraft_status (*fill)(void *self, shapes_grid *grid HOTGRAFT_INOUT(1));
    /* The kinds as they come after one another from `first`. [call] */
    void (*kinds)(void *self, shapes_kind first, shapes_kind *out HOTGRAFT_OUT(n), uint32_t n) HOTGRAFT_REALTIME;
    /* How many grids were visited before `visit` answered something else than 0; without one: all. [call] */
    int32_t (*each)(void *self, const shapes_grid *grids HOTGRAFT_IN(n), uint32_t n,
                    shapes_visit visit HOTGRAFT_NULLABLE, void *user) HOTGRAFT_SERIAL;
    /* The last of the registers are full: the call-back travels on the stack. [call] */
    int32_t (*late)(void *self, int64_t a, int64_t b, int64_t c, double d, int64_t e, int64_t f,
                    int32_t (*visit)(void *user, shapes_kind kind, const shapes_value *value), void *user);
    /* A name for a kind; NULL for one that has none. [call] */
    const char *(*name_of)(void *self, shapes_kind kind)HOTGRAFT_COPIED HOTGRAFT_NULLABLE;
} shapes_v1;

#endif /* SHAPES_H */
