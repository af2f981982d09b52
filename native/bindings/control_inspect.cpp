// inspect: the facts of a file that is not going to be loaded, and what stands against loading it here. For people and
// for CI; a swap goes through stage and check_needs instead.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "control_parts.hpp"
#include "errors.hpp"
#include "image.hpp"
#include "needs.hpp"
#include "prepare.hpp"
#include "sha256.hpp"
#include "trust_posix.hpp"

namespace py = pybind11;

namespace hotgraft {

namespace {

// An image's names may be any bytes: what is not UTF-8 is shown, never fatal.
py::str text_of(std::string_view text) {
    return py::reinterpret_steal<py::str>(
        PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "backslashreplace"));
}

py::list texts_of(const std::vector<std::string_view> &texts) {
    py::list list;
    for (const std::string_view text : texts) {
        list.append(text_of(text));
    }
    return list;
}

const char *name_of(ImageType type) {
    switch (type) {
    case ImageType::kObject:
        return "object";
    case ImageType::kExecutable:
        return "executable";
    case ImageType::kSharedLibrary:
        return "shared library";
    case ImageType::kCore:
        return "core dump";
    case ImageType::kOther:
        break;
    }
    return "other";
}

py::dict hazards_of(const ImageFacts &facts) {
    py::dict dict;
    dict["gnu_unique"] = facts.gnu_unique;
    dict["isa_level_needed"] = facts.isa_level_needed;
    dict["tls_bytes"] = facts.tls.bytes;
    dict["uses_static_tls"] = facts.uses_static_tls;
    dict["is_nodelete"] = facts.is_nodelete;
    dict["forbids_open"] = facts.forbids_open;
    dict["is_interposer"] = facts.is_interposer;
    dict["is_pie"] = facts.is_pie;
    dict["has_executable_stack"] = facts.has_executable_stack;
    dict["has_text_relocations"] = facts.has_text_relocations;
    dict["has_writable_code"] = facts.has_writable_code;
    dict["has_go_runtime"] = facts.has_go_runtime;
    dict["imports_tls_destructor"] = facts.imports_tls_destructor;
    return dict;
}

py::list findings_of(const std::vector<Finding> &findings) {
    py::list list;
    for (const Finding &finding : findings) {
        py::dict dict;
        dict["is_refusal"] = finding.severity == Severity::kRefusal;
        dict["rule"] = text_of(finding.rule);
        dict["subject"] = text_of(finding.subject);
        dict["found"] = text_of(finding.found);
        dict["needed"] = text_of(finding.needed);
        dict["advice"] = text_of(finding.advice);
        list.append(std::move(dict));
    }
    return list;
}

py::object descriptor_of(const ImageFacts &facts) {
    if (!facts.descriptor) {
        return py::none();
    }
    return make_bytes(facts.bytes + facts.descriptor->offset, facts.descriptor->bytes);
}

py::dict dict_of(const ImageFacts &facts, const std::vector<Finding> &findings, const Sha256Digest &sha256) {
    py::dict dict;
    dict["file_bytes"] = facts.file_bytes;
    dict["sha256"] = hex_of(sha256);
    dict["machine"] = facts.machine;
    dict["class_bits"] = facts.class_bits;
    dict["is_little_endian"] = facts.is_little_endian;
    dict["type"] = name_of(facts.type);
    dict["is_fully_read"] = facts.is_fully_read;
    dict["has_section_table"] = facts.has_section_table;
    dict["soname"] = text_of(facts.soname);
    dict["needed"] = texts_of(facts.needed);
    dict["rpath"] = text_of(facts.rpath);
    dict["runpath"] = text_of(facts.runpath);
    py::list exported;
    for (const ImageSymbol &symbol : facts.exported) {
        exported.append(text_of(symbol.name));
    }
    dict["exported"] = std::move(exported);
    dict["imported"] = facts.imported.size();
    py::list versions;
    for (const VersionNeed &need : facts.version_needs) {
        versions.append(py::make_tuple(text_of(need.file), text_of(need.version)));
    }
    dict["version_needs"] = std::move(versions);
    dict["build_id"] = py::bytes(facts.build_id.data(), facts.build_id.size()).attr("hex")();
    dict["hazards"] = hazards_of(facts);
    dict["descriptor"] = descriptor_of(facts);
    dict["findings"] = findings_of(findings);
    return dict;
}

// First: who else can write to it matters more than what it says now.
void add_distrust(const std::string &path, std::vector<Finding> *findings) {
    Distrust found = find_distrust(path);
    if (!found.culprit.empty()) {
        findings->insert(findings->begin(), {Severity::kRefusal, "trust", std::move(found.culprit),
                                             "is not to be trusted", std::move(found.how), std::move(found.advice)});
    }
}

// `folder` is where the image would be loaded from: what its RUNPATH calls $ORIGIN.
py::dict inspect(const std::string &path, const std::string &folder) {
    ImageFacts facts;
    std::vector<Finding> findings;
    Sha256Digest sha256{};
    Status status;
    {
        const py::gil_scoped_release unlocked;
        status = inspect_image_file(path.c_str(), &facts);
        if (status.is_ok()) {
            findings = find_needs(facts, folder);
            add_distrust(path, &findings);
            Sha256 hash;
            hash.update(facts.bytes, facts.file_bytes);
            sha256 = hash.finish();
        }
    }
    check(status, {"inspect the image", path, "ImageError"});
    return dict_of(facts, findings, sha256);
}

} // namespace

void add_inspect(py::module_ &module) {
    module.def("inspect", &inspect, py::arg("path"), py::arg("folder"));
}

} // namespace hotgraft
