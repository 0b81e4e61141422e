# SPDX-License-Identifier: Apache-2.0
"""Which packages are in the appliance's image: the list that a build is held to, and the SBOM."""

import json

OURS = "ringwall"


def packages(manifests):
    """(name, version, architecture) of every package in these manifests of mkosi's: the system's, the initrd's."""
    found = {(p["name"], p["version"], p["architecture"])
             for m in manifests for p in json.loads(m.read_text())["packages"]}
    return sorted(found)


# --- the lock --------------------------------------------------------------------------------------


def lock_lines(found):
    return [f"{name} {version} {architecture}" for name, version, architecture in found if name != OURS]


def write_lock(path, found):
    head = [line for line in path.read_text().splitlines() if line.startswith("#")] if path.exists() else []
    path.write_text("\n".join([*head, *lock_lines(found)]) + "\n")


def differences(path, found):
    """"-" and "+" lines: what the lock has and the image does not, and the other way round."""
    locked = {line for line in path.read_text().splitlines() if line and not line.startswith("#")}
    there = set(lock_lines(found))
    return sorted([f"- {line}" for line in locked - there] + [f"+ {line}" for line in there - locked],
                  key=lambda line: line[2:])


# --- the SBOM --------------------------------------------------------------------------------------


def spdx_package(name, version, architecture):
    ident = "".join(c if c.isalnum() or c in ".-" else "-" for c in f"{name}-{version}-{architecture}")
    return {
        "SPDXID": f"SPDXRef-{ident}", "name": name, "versionInfo": version,
        "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                          "referenceLocator": f"pkg:deb/debian/{name}@{version}?arch={architecture}"}],
    }


def spdx(found, version, when, namespace):
    """SPDX 2.3, as text. `when` is ISO 8601 in UTC; `namespace` names this build and no other."""
    described = [spdx_package(*p) for p in found]
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"ringwall-image-{version}", "documentNamespace": namespace,
        "creationInfo": {"created": when, "creators": ["Tool: scripts/image"]}, "packages": described,
        "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                           "relatedSpdxElement": p["SPDXID"]} for p in described],
    }
    return json.dumps(document, indent=1) + "\n"
