// Meters: reading one, and how many latency samples are taken.
#include <pybind11/pybind11.h>

#include "control_parts.hpp"
#include "errors.hpp"
#include "guard.hpp"
#include "meter.hpp"
#include "meter_rate.hpp"

namespace py = pybind11;

namespace hotgraft {

namespace {

py::tuple latency_of(const MeterReading &reading) {
    py::tuple counts(kBuckets);
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
        counts[bucket] = py::int_(bucket < reading.latency_ns.size() ? reading.latency_ns[bucket] : 0);
    }
    return counts;
}

// (is_metered, calls, errors, crashes, samples, pushed_off, since_ns, latency by bucket). Stops nobody.
py::tuple readings_of(const std::shared_ptr<Meter> &meter) {
    const MeterReading reading = meter != nullptr ? meter->read() : MeterReading();
    return py::make_tuple(reading.is_metered, reading.calls, reading.errors, reading.crashes, reading.samples,
                          reading.pushed_off, reading.since_ns, latency_of(reading));
}

py::tuple read_meter(const Generation &generation, std::size_t index) {
    return readings_of(generation.meter(index));
}

// The same for every instance there is, whatever its name, in their order.
py::list read_meters(const Generation &generation) {
    py::list readings;
    for (const std::shared_ptr<Meter> &meter : generation.meters()) {
        readings.append(readings_of(meter));
    }
    return readings;
}

void set_sampling(std::int64_t per_second) {
    if (per_second < 0 || per_second > kMostPerSecond) {
        throw py::value_error("set_sampling takes 0 to " + std::to_string(kMostPerSecond) + " samples a second, got " +
                              std::to_string(per_second));
    }
    if (Guards::instance().is_forked_child()) {
        check({Code::kForked, "meters of a forked child count, and are not sampled"}, {"sample latency", "meters"});
    }
    const py::gil_scoped_release unlocked;
    Meters::instance().set_sampling(static_cast<std::uint32_t>(per_second));
}

} // namespace

void add_meter(py::module_ &module) {
    module.def("read_meter", &read_meter, py::arg("generation"), py::arg("index"));
    module.def("read_meters", &read_meters, py::arg("generation"));
    module.def("set_sampling", &set_sampling, py::arg("per_second"));
    module.def("sampling", [] { return Meters::instance().sampling(); });
}

} // namespace hotgraft
