# SPDX-License-Identifier: Apache-2.0
"""An OVA of a disk: what VMware, VirtualBox and the clouds' importers take. OVF 1.1 (DSP0243): a description,
the checksums of all, the disk, in that order in a tar."""

import hashlib
import io
import tarfile

DISK_GIB = 8
OVF = """<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
    xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
    xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
    xmlns:vmw="http://www.vmware.com/schema/ovf">
  <References><File ovf:id="disk" ovf:href="{disk}" ovf:size="{size}"/></References>
  <DiskSection>
    <Info>The system's disk</Info>
    <Disk ovf:diskId="system" ovf:fileRef="disk" ovf:capacity="{gib}" ovf:capacityAllocationUnits="byte * 2^30"
        ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>
  </DiskSection>
  <NetworkSection><Info>Networks</Info><Network ovf:name="gateway"><Description>Callers and upstreams</Description></Network></NetworkSection>
  <VirtualSystem ovf:id="ringwall">
    <Info>ringwall {version}. It wants one more disk, labelled RINGWALL, with its configuration.</Info>
    <Name>ringwall-{version}</Name>
    <OperatingSystemSection ovf:id="101" vmw:osType="debian12_64Guest"><Info>Debian, 64 bits</Info></OperatingSystemSection>
    <VirtualHardwareSection>
      <Info>UEFI with Secure Boot</Info>
      <System>
        <vssd:ElementName>Virtual Hardware Family</vssd:ElementName>
        <vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemType>vmx-19</vssd:VirtualSystemType>
      </System>
{items}
      <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>
      <vmw:Config ovf:required="false" vmw:key="bootOptions.efiSecureBootEnabled" vmw:value="true"/>
    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>
"""

# Kinds are CIM's: 3 processor, 4 memory, 6 SCSI, 10 Ethernet, 17 disk. DSP0243 wants fields in this order.
ITEMS = (
    {"AllocationUnits": "hertz * 10^6", "ElementName": "2 processors", "InstanceID": 1, "ResourceType": 3,
     "VirtualQuantity": 2},
    {"AllocationUnits": "byte * 2^20", "ElementName": "1024 MiB", "InstanceID": 2, "ResourceType": 4,
     "VirtualQuantity": 1024},
    {"Address": 0, "ElementName": "SCSI", "InstanceID": 3, "ResourceSubType": "VirtualSCSI", "ResourceType": 6},
    {"AddressOnParent": 0, "ElementName": "system", "HostResource": "ovf:/disk/system", "InstanceID": 4, "Parent": 3,
     "ResourceType": 17},
    {"AddressOnParent": 1, "AutomaticAllocation": "true", "Connection": "gateway", "ElementName": "network",
     "InstanceID": 5, "ResourceSubType": "VmxNet3", "ResourceType": 10},
)


def item(fields):
    inner = "".join(f"<rasd:{k}>{v}</rasd:{k}>" for k, v in fields.items())
    return f"      <Item>{inner}</Item>"


def checksum(stream):
    return hashlib.file_digest(stream, "sha256").hexdigest()


def write(path, vmdk, version, when):
    """Puts the OVA of `vmdk` (stream-optimised) at `path`. `when`: seconds, the time of all that is in it."""
    name = path.stem
    disk = f"{name}-disk1.vmdk"
    ovf = OVF.format(disk=disk, size=vmdk.stat().st_size, gib=DISK_GIB, version=version,
                     items="\n".join(map(item, ITEMS))).encode()
    with vmdk.open("rb") as f:
        sums = f"SHA256({name}.ovf)= {checksum(io.BytesIO(ovf))}\nSHA256({disk})= {checksum(f)}\n".encode()
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        def add(member, size, stream):
            info = tarfile.TarInfo(member)
            info.size, info.mtime, info.mode = size, when, 0o644
            tar.addfile(info, stream)
        add(f"{name}.ovf", len(ovf), io.BytesIO(ovf))
        add(f"{name}.mf", len(sums), io.BytesIO(sums))
        with vmdk.open("rb") as f:
            add(disk, vmdk.stat().st_size, f)
