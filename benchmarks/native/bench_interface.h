/* What the measured plugins offer: see provider/ and consumer/. */
#ifndef BENCH_INTERFACE_H
#define BENCH_INTERFACE_H

#include "consumer/consumer.h"
#include "provider/provider.h"

#endif /* BENCH_INTERFACE_H */
