"""The least that Streamlit can show: what `start` compares our first page with."""

import streamlit as st

st.button("What is photosynthesis?")
st.chat_input("Message")
