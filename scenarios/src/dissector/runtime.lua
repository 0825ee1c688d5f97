-- Where each field ends, or nothing when the frame is not of this shape. The field number `stretched`
-- takes what the others leave.
local function locate(message, frame, stretched)
  local total, at, ends = frame:len(), 0, {}
  for index, field in ipairs(message.fields) do
    local width = field.fixed
    if index == stretched then
      width = total - at
      for later = index + 1, #message.fields do width = width - (message.fields[later].fixed or 0) end
      if width < 1 then return nil end
    elseif field.count then
      local from = ends[field.count - 1] or 0
      local counted = ends[field.count] - from
      if counted > 4 then return nil end
      width = (counted > 0 and frame(from, counted):uint() or 0) * field.unit
    elseif not width then
      width = total - at
      for later = index + 1, #message.fields do width = width - (message.fields[later].fixed or 0) end
      if width < field.min or width > field.max or width % field.multiple ~= 0 then return nil end
    end
    at = at + width
    if at > total then return nil end
    ends[index] = at
  end
  return at == total and ends or nil
end

local function fits(message, frame)
  if message.closing then return frame:len() == 4 and frame(0, 4):uint() == 0 end
  return frame:len() > message.at and frame(message.at, 1):uint() == message.byte
end

-- The first message whose opcode a frame has and whose shape it has under other parameters: these
-- decide the width of one of its fields. Third, whether another field might be that one.
local function stretch(protocol, frame, streamed)
  for _, message in ipairs(protocol.messages) do
    if message.streamed == streamed and fits(message, frame) then
      local found, count = nil, 0
      for index, field in ipairs(message.fields) do
        local ends = field.elastic and locate(message, frame, index)
        if ends then
          found, count = found or ends, count + 1
        end
      end
      if found then return message, found, count > 1 end
    end
  end
end

-- The first message that a frame is; second, the first whose opcode it has.
local function find(protocol, frame, streamed)
  local named
  for _, message in ipairs(protocol.messages) do
    if message.streamed == streamed and fits(message, frame) then
      local ends = locate(message, frame)
      if ends then return message, ends end
      named = named or message
    end
  end
  return nil, nil, named
end

local function printable(frame)
  local bytes = frame:bytes()
  for index = 0, bytes:len() - 1 do
    local byte = bytes:get_index(index)
    if (byte < 32 and byte ~= 10 and byte ~= 13) or byte > 126 then return false end
  end
  return true
end

local function note(pinfo, text)
  pinfo.cols.info:append(text .. " ")
end

-- One frame of a protocol into the tree; false when it is none.
local function show(protocol, frame, pinfo, tree, streamed)
  local message, ends, named = find(protocol, frame, streamed)
  local guessed = false
  if named and not message then message, ends, guessed = stretch(protocol, frame, streamed) end
  if message then
    note(pinfo, message.name)
    local branch = tree:add(protocol.proto, frame(), protocol.about_short .. ", " .. message.name)
    branch:add(protocol.own.message, message.name):set_generated()
    branch:add(protocol.own.variant, message.variant):set_generated()
    local from = 0
    for index, field in ipairs(message.fields) do
      if ends[index] > from then branch:add(protocol.fields[field.key], frame(from, ends[index] - from)) end
      from = ends[index]
    end
    if guessed then branch:add_proto_expert_info(protocol.guessed) end
    return true
  end
  if named then
    note(pinfo, "[" .. named.name .. "?]")
    local branch = tree:add(protocol.proto, frame(), protocol.about_short .. ", like " .. named.name)
    branch:add_proto_expert_info(protocol.malformed)
    return true
  end
  if frame:len() > 0 and printable(frame) then
    note(pinfo, "text")
    local branch = tree:add(protocol.proto, frame(), protocol.about_short .. ", text")
    branch:add(protocol.own.text, frame())
    return true
  end
  return false
end

-- The header of a confirmable exchange: four bytes, and a marker before what it carries (RFC 7252).
local function exchange(frame)
  if frame:len() < 4 or bit.band(frame(0, 1):uint(), 0xCF) ~= 0x40 then return nil end
  if frame:len() == 4 then return 4 end
  return frame(4, 1):uint() == 0xFF and 5 or nil
end

local kinds = { [0] = "CON", [1] = "NON", [2] = "ACK", [3] = "RST" }

for _, protocol in ipairs(protocols) do
  local short = protocol.name:gsub("-", "_")
  local proto = Proto("badlink_" .. short, protocol.name .. ": " .. protocol.about)
  protocol.proto, protocol.about_short, protocol.fields = proto, protocol.name, {}
  local own = {
    message = ProtoField.string(short .. ".message", "Message"),
    variant = ProtoField.string(short .. ".variant", "Variant"),
    text = ProtoField.string(short .. ".text", "Text"),
    length = ProtoField.uint32(short .. ".record_length", "Record length"),
    kind = ProtoField.string(short .. ".exchange", "Exchange"),
    id = ProtoField.uint16(short .. ".exchange_id", "Exchange id"),
  }
  protocol.own = own
  local list = { own.message, own.variant, own.text, own.length, own.kind, own.id }
  for _, message in ipairs(protocol.messages) do
    for _, field in ipairs(message.fields) do
      if not protocol.fields[field.key] then
        local made = ProtoField[field.kind](short .. "." .. field.key, field.name)
        protocol.fields[field.key] = made
        list[#list + 1] = made
      end
    end
  end
  proto.fields = list
  protocol.malformed = ProtoExpert.new(short .. ".malformed", "Not of this message's shape",
    expert.group.MALFORMED, expert.severity.WARN)
  protocol.guessed = ProtoExpert.new(short .. ".guessed",
    "Not the default parameters, widths are guessed: badlink dissector SCENARIO knows them",
    expert.group.UNDECODED, expert.severity.NOTE)
  proto.experts = { protocol.malformed, protocol.guessed }

  -- A record on a stream: four bytes of length and the frame. Machines that write their own records
  -- have the length in their layouts.
  local function record(buffer, pinfo, tree)
    if show(protocol, buffer, pinfo, tree, true) then return buffer:len() end
    tree:add(own.length, buffer(0, 4))
    if buffer:len() > 4 then show(protocol, buffer(4):tvb(), pinfo, tree, false) end
    return buffer:len()
  end

  function proto.dissector(buffer, pinfo, tree)
    pinfo.cols.protocol = protocol.name
    if pinfo.port_type == 2 then
      pinfo.cols.info:clear()
      dissect_tcp_pdus(buffer, tree, 4, function(tvb, _, offset)
        return 4 + tvb(offset, 4):uint()
      end, record)
      return buffer:len()
    end
    pinfo.cols.info:clear()
    local message = find(protocol, buffer, false)
    local header = not message and exchange(buffer)
    if not header then
      show(protocol, buffer, pinfo, tree, false)
      return buffer:len()
    end
    local kind = kinds[bit.rshift(bit.band(buffer(0, 1):uint(), 0x30), 4)]
    note(pinfo, kind)
    tree:add(own.kind, buffer(0, 1), kind)
    tree:add(own.id, buffer(2, 2))
    if buffer:len() > header then show(protocol, buffer(header):tvb(), pinfo, tree, false) end
    return buffer:len()
  end

  for _, port in ipairs(protocol.ports) do
    DissectorTable.get("udp.port"):add(port, proto)
    DissectorTable.get("tcp.port"):add(port, proto)
  end
end
