# SPDX-License-Identifier: Apache-2.0
"""What stands beside the appliance's image: the packages it is held to, the SBOM, the OVA."""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import xml.etree.ElementTree

import inventory
import ova
from common import TOP

PACKAGES = [{"name": "libc6", "version": "2.41-12", "architecture": "amd64"},
            {"name": "ringwall", "version": "0.1.0~git1", "architecture": "amd64"}]


def found(folder, packages):
    manifest = folder / "x.manifest"
    manifest.write_text(json.dumps({"packages": packages}))
    return inventory.packages([manifest, manifest])


def test_another_version_is_a_difference_and_our_own_is_none(tmp_path):
    lock = tmp_path / "packages.lock"
    lock.write_text("# what this is\n")
    inventory.write_lock(lock, found(tmp_path, PACKAGES))
    assert lock.read_text() == "# what this is\nlibc6 2.41-12 amd64\n"
    ours = [PACKAGES[0], {**PACKAGES[1], "version": "0.2.0"}]
    assert inventory.differences(lock, found(tmp_path, ours)) == []
    newer = [{**PACKAGES[0], "version": "2.41-13"}, {"name": "bash", "version": "5", "architecture": "amd64"}]
    assert inventory.differences(lock, found(tmp_path, newer)) == [
        "+ bash 5 amd64", "- libc6 2.41-12 amd64", "+ libc6 2.41-13 amd64"]


def test_the_sbom_has_every_package_once_and_describes_it(tmp_path):
    document = json.loads(inventory.spdx(found(tmp_path, PACKAGES), "0.1.0", "2026-01-01T00:00:00Z", "urn:x"))
    assert [(p["name"], p["versionInfo"]) for p in document["packages"]] == [("libc6", "2.41-12"), ("ringwall", "0.1.0~git1")]
    assert {r["relatedSpdxElement"] for r in document["relationships"]} == {p["SPDXID"] for p in document["packages"]}


def test_an_ova_is_description_checksums_and_disk_in_that_order(tmp_path):
    vmdk = tmp_path / "in.vmdk"
    vmdk.write_bytes(b"disk" * 1000)
    for path in (tmp_path / "a.ova", tmp_path / "again" / "a.ova"):
        path.parent.mkdir(exist_ok=True)
        ova.write(path, vmdk, "0.1.0", 1000)
    assert (tmp_path / "a.ova").read_bytes() == (tmp_path / "again/a.ova").read_bytes()
    with tarfile.open(tmp_path / "a.ova") as tar:
        assert tar.getnames() == ["a.ovf", "a.mf", "a-disk1.vmdk"]
        parts = {name: tar.extractfile(name).read() for name in tar.getnames()}
    sums = dict(line.split("= ") for line in parts["a.mf"].decode().splitlines())
    for name in ("a.ovf", "a-disk1.vmdk"):
        assert sums[f"SHA256({name})"] == hashlib.sha256(parts[name]).hexdigest()
    root = xml.etree.ElementTree.fromstring(parts["a.ovf"])
    ns = {"o": "http://schemas.dmtf.org/ovf/envelope/1"}
    file = root.find("o:References/o:File", ns)
    assert file.get(f"{{{ns['o']}}}href") == "a-disk1.vmdk" and file.get(f"{{{ns['o']}}}size") == "4000"
    rasd = "{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData}"
    for item in root.findall(".//o:Item", ns):
        names = [child.tag.removeprefix(rasd) for child in item]
        assert names == sorted(names), "DSP0243 wants them in this order"


def test_the_profile_of_a_boot_says_what_it_has_to_be_given():
    """It once died of whatever was missing first, with a Python traceback."""
    for given, why in ((None, "RW_IMAGE=VERSION is wanted"), ("0.0.none", "there is no build/image/0.0.none/ringwall_0.0.none.raw")):
        env = {k: v for k, v in os.environ.items() if k != "RW_IMAGE"} | ({"RW_IMAGE": given} if given else {})
        p = subprocess.run([sys.executable, "-B", TOP / "tests/image/boot_profile.py"], env=env, text=True, capture_output=True)
        assert p.returncode == 1 and p.stderr.startswith("ringwall: ") and why in p.stderr, p.stderr
